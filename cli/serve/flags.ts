import type { LoadFlags } from '../shared/load-options.ts'

export interface ServeFlags extends LoadFlags {
  readonly port?: number
  readonly host?: string
  readonly tokens?: string
  readonly oidcIssuer?: string
  readonly oidcAudience?: string
  readonly deny?: readonly string[]
  readonly allowWeights?: boolean
  readonly redis?: string
  readonly maxBatch?: number
  readonly memory?: number
  readonly timeout?: number
  readonly audit?: string
  readonly log?: boolean
}
