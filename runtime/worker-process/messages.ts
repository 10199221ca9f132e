import type { TraceReport } from '../engine/running/report.ts'
import type { RecordingJSON } from '../graph/json.ts'
import type { LoadOptions } from '../model/loaded/load-options.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'

/** A request to a worker. Elements are sent as typed arrays. */
export type Request =
  | { readonly id: number; readonly kind: 'load'; readonly path: string; readonly options: LoadOptions }
  | {
      readonly id: number
      readonly kind: 'run'
      /** The number of the trace, whose computed values the worker keeps. */
      readonly trace: number
      readonly recording: RecordingJSON<TensorData>
      readonly inputs: ReadonlyMap<string, TensorData>
      readonly goesOn: boolean
      readonly inputsComeOnce: boolean
    }
  /** The trace has ended. */
  | { readonly id: number; readonly kind: 'end'; readonly trace: number }

export interface RunReply {
  readonly wanted: readonly TensorData[]
  readonly executed: readonly number[]
  readonly tapsBeforeReads: readonly string[]
  readonly report: TraceReport
}
