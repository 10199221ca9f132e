import type { TraceReport } from '../engine/running/report.ts'

/** What a server tells of a run beside its values: in the metadata of the safetensors answer. */
export interface RunDetails {
  /** What the block returned; `{ "$tensor": i }` stands for the i-th value. */
  readonly result?: unknown
  readonly executed: readonly number[]
  readonly tapsBeforeReads: readonly string[]
  readonly report: TraceReport
}

export const SAFETENSORS = 'application/vnd.safetensors'
