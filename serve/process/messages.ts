import type { SentError } from '../../runtime/child-process/messages.ts'
import type { GraphLimits, LoadOptions } from '../../runtime/index.ts'
import type { RunDetails } from '../../runtime/remote/wire.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'

/** What a request may do with a model. */
export interface Permission {
  readonly limits: GraphLimits
  /** Patterns of module paths that are out of reach, as `transformer.h.0.*`. */
  readonly deny: readonly string[]
  readonly allowWeights: boolean
}

/** One graph of a run. */
export interface GraphJob {
  readonly graph: unknown
  readonly permission: Permission
}

/** Settings that all texts of one generation share. */
export interface GenerateSettings {
  readonly maxNewTokens?: number
  readonly doSample?: boolean
  readonly temperature?: number
  readonly topP?: number
  readonly seed?: number
  readonly stopStrings?: readonly string[]
}

/** One text of a generation. */
export interface GenerateJob {
  readonly prompt: string | readonly number[] | readonly { readonly role: string; readonly content: string }[]
  /** A block in the template language, recorded in each step. */
  readonly template: string | undefined
  /** Whether its text is sent in pieces while it is made. */
  readonly isStreamed: boolean
  readonly permission: Permission
}

export type ModelRequest =
  | { readonly id: number; readonly kind: 'load'; readonly path: string; readonly options: LoadOptions }
  | { readonly id: number; readonly kind: 'skeleton' }
  | { readonly id: number; readonly kind: 'language' }
  | { readonly id: number; readonly kind: 'graphs'; readonly run: number; readonly jobs: readonly GraphJob[] }
  | {
      readonly id: number
      readonly kind: 'generate'
      readonly run: number
      readonly settings: GenerateSettings
      readonly jobs: readonly GenerateJob[]
    }
  /** Ends a run that nobody waits for any more. */
  | { readonly id: number; readonly kind: 'cancel'; readonly run: number }

/** What a server tells of a model. */
export interface ModelFacts {
  readonly inputs: readonly {
    readonly name: string
    readonly type: string
    readonly dims: readonly (number | string | null)[] | null
  }[]
  readonly outputs: ModelFacts['inputs']
  readonly tree: string
  readonly modules: readonly string[]
  readonly hasTokenizer: boolean
}

/** What is told of a run, as it passes between processes. */
export interface SentDetails extends Omit<RunDetails, 'executed'> {
  readonly executed: Uint32Array
}

/** The values of one graph, or why there are none. */
export type GraphReply =
  | { readonly wanted: readonly TensorData[]; readonly details: SentDetails }
  | { readonly error: SentError }

/** A piece of the text of one job. */
export interface TextPart {
  readonly job: number
  readonly text: string
}

export type GenerateReply =
  | {
      readonly text: string
      readonly finishReason: string
      readonly promptTokens: number
      readonly newTokens: number
      /** The values that the template saved, by name, for each step in which it ran. */
      readonly values: readonly Readonly<Record<string, TensorData>>[]
    }
  | { readonly error: SentError }
