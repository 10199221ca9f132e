import type { SessionOptions } from '../../sessions/provider.ts'
import type { NumberedRequest } from '../numbered-sessions.ts'
import type { WebProviderOptions } from '../web.ts'

/** A request to the page in Chromium. */
export type PageRequest =
  | ({ readonly kind: 'start' } & WebProviderOptions)
  | {
      readonly kind: 'create'
      readonly bytes: Uint8Array
      readonly parts: readonly { readonly location: string; readonly data: Uint8Array }[]
      readonly isShielded: boolean
      readonly options: SessionOptions
    }
  | NumberedRequest

/** What the page says of itself when it has started. */
export interface Started {
  /** Whether there is an adapter for WebGPU, if that is asked for. */
  readonly hasAdapter: boolean
  /** Whether the processor computes what the adapter does. */
  readonly isSoftware: boolean
  readonly computesFloat16: boolean
}

/** The page's answer to a request. */
export type PageAnswer = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string })
