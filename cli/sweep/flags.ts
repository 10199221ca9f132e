import type { InputFlags } from '../inputs/options.ts'
import type { LoadFlags } from '../shared/load-options.ts'
import type { TemplateFlags } from '../shared/template-text.ts'

/** The flags of `onnsight sweep`. */
export interface SweepFlags extends LoadFlags, TemplateFlags, InputFlags {
  readonly over: Readonly<Record<string, readonly (number | string)[]>>
  readonly out?: string
  readonly retry?: boolean
  readonly queue?: string
  readonly priority?: number
  readonly json?: boolean
}
