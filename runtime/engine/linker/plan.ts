import type { SessionModel } from '../sessions/provider.ts'

/** One session's run within a plan. */
export interface Step {
  /** An unedited block or group, a block rebuilt with an intervention in it, or recorded operations only. */
  readonly kind: 'block' | 'rebuilt' | 'operations'
  readonly block: number
  /** The group whose session runs it, which was made at load; undefined for a session of the cache. */
  readonly group: number | undefined
  readonly label: string
  /** The session's inputs, and the id of the value to feed for each. */
  readonly inputs: readonly (readonly [name: string, id: string])[]
  /** The session's outputs, and the id of each. */
  readonly outputs: readonly (readonly [name: string, id: string])[]
  /** Equal steps of different plans share one session. */
  readonly key: string
  /** How to make the session if the cache has none for the key; undefined for a group, whose session exists. */
  readonly rebuild: Rebuild | undefined
  readonly nodeCount: number
  /** Numbers of its recorded expressions in the recording, by the index in the session's node names. */
  readonly expressions: readonly number[]
  /** Ids of values that no later step reads. */
  readonly dropped: readonly string[]
  /** Outputs that may be kept for the same inputs; undefined if an intervention or a random node is in the step or before it. */
  readonly kept: readonly KeptOutput[] | undefined
}

/** A value of the unedited model that later blocks read. */
export interface KeptOutput {
  readonly id: string
  /** Identifies the sessions behind it: other sessions may round differently, and the same trace must return the same bits. */
  readonly origin: string
  /** The model's inputs that it depends on. */
  readonly from: readonly string[]
}

export interface Rebuild {
  readonly model: () => SessionModel
  /** Bytes of the weights that its nodes read from files. */
  readonly weightBytes: number
  /** Bytes of the weights when they are prepacked: those that a gradient reads too are packed in both directions. */
  readonly packedBytes: number
  /** Whether its weights must be prepacked before the first run. */
  readonly prepack: boolean
  /** Whether its session gives back the memory of a run's values after each run. */
  readonly returnsMemory?: boolean
}

/** How to run the recordings with one key. It contains no values of operands. */
export interface LinkPlan {
  readonly steps: readonly Step[]
  /** The id of each wanted value. */
  readonly results: readonly string[]
  /** Names of unedited weights among the results. */
  readonly weights: readonly string[]
  /** Whether some group runs in more than one session. */
  readonly isSplit: boolean
  /** Blocks that do not run. */
  readonly skipped: readonly number[]
  /** Indices of the model's nodes that run. */
  readonly executed: ReadonlySet<number>
  /** Keys of the taps before its reads. A later write there would come too late for them. */
  readonly tapsBeforeReads: ReadonlySet<string>
}
