import type { GraphLimits, LoadOptions } from '../runtime/index.ts'

/** What a user of a server may take in a span of time. */
export interface Quotas {
  readonly requests?: number
  /** Tokens of prompts and of generated texts. */
  readonly tokens?: number
  /** Bytes of requests and answers. */
  readonly bytes?: number
  /** Seconds that the model ran. */
  readonly seconds?: number
  /** The span of time in seconds. @default 3600 */
  readonly per?: number
}

/** Someone who may use a server. */
export interface User {
  readonly name: string
  /** Whether weights may be read. @default what the server allows */
  readonly allowWeights?: boolean
  readonly quotas?: Quotas
}

/** One request in the audit log: who asked for what, and nothing of its content. */
export interface AuditEntry {
  readonly time: string
  readonly requestId: string
  readonly user: string
  readonly method: string
  readonly route: string
  readonly model: string | undefined
  readonly status: number
  readonly ms: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** SHA-256 of the request's body, so that a request can be recognised. */
  readonly bodyHash: string | undefined
  readonly tokens: number
}

/** Options of `serve`. */
export interface ServeOptions {
  /** @default 127.0.0.1 */
  readonly host?: string
  /** @default a free one */
  readonly port?: number
  /** Users by their token. Without tokens and OIDC, everybody may use the server. */
  readonly tokens?: Readonly<Record<string, User | string>>
  /** An issuer of OpenID Connect, whose tokens are checked; the subject is the user. */
  readonly oidc?: { readonly issuer: string; readonly audience?: string }
  /** What one graph may cost. @default STRICT_LIMITS */
  readonly limits?: GraphLimits
  /** Modules whose values nobody may read or write: `transformer.h.0.*`. */
  readonly deny?: readonly string[]
  /** @default false */
  readonly allowWeights?: boolean
  readonly quotas?: Quotas
  /** A Redis that several servers share: they count quotas together, and each knows who waits at the others. `redis://host:6379` */
  readonly redis?: string
  /** The most requests that share a run. 1 runs each alone. @default 32 */
  readonly maxBatch?: number
  /** The most requests that wait for one model. @default 1000 */
  readonly maxWaiting?: number
  /** The most bytes of a request. @default 64 MiB */
  readonly bodyBytes?: number
  /** The most new tokens of one text. @default 1024 */
  readonly maxNewTokens?: number
  /** The most memory of a model's process. @default no limit */
  readonly memoryBytes?: number
  /** Called with each request when it was answered. */
  readonly audit?: (entry: AuditEntry) => void
  /** Structured logs, one JSON object in each line. @default none */
  readonly log?: NodeJS.WritableStream
  /** How models are loaded. */
  readonly load?: LoadOptions
}

/** The names of the options of `serve`. */
export const SERVE_OPTIONS: readonly (keyof ServeOptions)[] = [
  ...([
    'host',
    'port',
    'tokens',
    'oidc',
    'limits',
    'deny',
    'allowWeights',
    'quotas',
    'redis',
    'maxBatch',
    'maxWaiting',
  ] as const),
  ...(['bodyBytes', 'maxNewTokens', 'memoryBytes', 'audit', 'log', 'load'] as const),
]
