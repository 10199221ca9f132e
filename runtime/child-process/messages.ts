import type { SourcePosition } from '../errors/error.ts'

/** An error as it is sent between processes. */
export interface SentError {
  readonly code: string | undefined
  readonly name: string
  readonly message: string
  readonly fix: string | undefined
  readonly at: SourcePosition | undefined
}

export type Reply =
  | { readonly id: number; readonly result: unknown }
  /** A part of an answer that goes on. */
  | { readonly id: number; readonly part: unknown }
  | { readonly id: number; readonly error: SentError }
