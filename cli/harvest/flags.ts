import type { LoadFlags } from '../shared/load-options.ts'
import type { TemplateFlags } from '../shared/template-text.ts'

/** The flags of `onnsight harvest`. */
export interface HarvestFlags extends LoadFlags, TemplateFlags {
  readonly at: readonly string[]
  readonly out: string
  readonly texts?: readonly string[]
  readonly ids?: readonly string[]
  readonly tensors?: readonly string[]
  readonly images?: readonly string[]
  readonly column?: string
  readonly take?: string | readonly number[]
  readonly dtype?: 'float32' | 'float16' | 'bfloat16'
  readonly format?: 'safetensors' | 'parquet' | 'arrow'
  readonly context?: number
  readonly long?: 'split' | 'cut'
  readonly limit?: number
  readonly batchSize?: number
  readonly alone?: boolean
  readonly shardRows?: number
  readonly statistics?: boolean
  readonly queue?: string
  readonly priority?: number
  readonly json?: boolean
}
