import type { TraceReport } from '../engine/running/report.ts'

/** What a server tells of a run beside its values: in the metadata of the safetensors answer. */
export interface RunDetails {
  /** What the block returned; `{ "$tensor": i }` stands for the i-th value. */
  readonly result?: unknown
  readonly executed: readonly number[]
  readonly tapsBeforeReads: readonly string[]
  readonly report: TraceReport
}

/** The texts of a language model's files, by name. */
export interface LanguageFiles {
  /** The name of the tokenizer; undefined for a model that takes no texts. */
  readonly tokenizer?: string
  readonly files: Readonly<Record<string, string>>
}

export const SAFETENSORS = 'application/vnd.safetensors'
