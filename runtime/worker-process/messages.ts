import type { TraceReport } from '../engine/running/report.ts'
import type { SourcePosition } from '../errors/error.ts'
import type { RecordingJSON } from '../graph/json.ts'
import type { LoadOptions } from '../model/loaded/load-options.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'

/** What a worker is asked for. Elements go as typed arrays. */
export type Request =
  | { readonly id: number; readonly kind: 'load'; readonly path: string; readonly options: LoadOptions }
  | {
      readonly id: number
      readonly kind: 'run'
      /** Which trace: what it has computed so far is kept for it. */
      readonly trace: number
      readonly recording: RecordingJSON<TensorData>
      readonly inputs: ReadonlyMap<string, TensorData>
      readonly goesOn: boolean
      readonly once: boolean
    }
  /** Nothing more comes of this trace. */
  | { readonly id: number; readonly kind: 'end'; readonly trace: number }

export interface Ran {
  readonly wanted: readonly TensorData[]
  readonly executed: readonly number[]
  readonly passed: readonly string[]
  readonly report: TraceReport
}

/** An error as it travels. */
export interface SentError {
  readonly code: string | undefined
  readonly name: string
  readonly message: string
  readonly fix: string | undefined
  readonly at: SourcePosition | undefined
}

export type Reply =
  | { readonly id: number; readonly result: Ran | undefined }
  | { readonly id: number; readonly error: SentError }
