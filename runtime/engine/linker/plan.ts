import type { SessionModel } from '../sessions/provider.ts'

/** One session's run within a plan. */
export interface Step {
  /** A block as it is, a block rebuilt with an intervention in it, or recorded operations alone. */
  readonly kind: 'block' | 'rebuilt' | 'operations'
  readonly block: number
  /** The group whose session, made at load, runs it; undefined for a session that the cache makes and keeps. */
  readonly group: number | undefined
  readonly label: string
  /** Name in the session, and the id of the value to feed. */
  readonly inputs: readonly (readonly [name: string, id: string])[]
  /** Name in the session, and the id under which the result goes on. */
  readonly outputs: readonly (readonly [name: string, id: string])[]
  /** Equal steps of different plans share one session. */
  readonly key: string
  /** What its session is made of, where no session has the key; undefined for a group as it is, whose session is there. */
  readonly rebuild: Rebuild | undefined
  readonly nodeCount: number
  /** Recorded expressions in it: index in the session's node names, number in the recording. */
  readonly expressions: readonly number[]
  /** Values that nothing after this step reads. */
  readonly dropped: readonly string[]
  /** What can be kept for the same inputs, as no intervention is in it or before it; undefined if one is, or chance. */
  readonly kept: readonly KeptOutput[] | undefined
}

/** A value of the unedited model that later blocks read. */
export interface KeptOutput {
  readonly id: string
  /** Which sessions it went through: others may round otherwise, and the same trace must give the same bits. */
  readonly origin: string
  /** The model's inputs that it comes from. */
  readonly from: readonly string[]
}

export interface Rebuild {
  readonly model: () => SessionModel
  /** Bytes of weights that its nodes read. */
  readonly weightBytes: number
  /** Whether its kernels need their weights in their own layout from the first run on. */
  readonly prepack: boolean
}

/** How one kind of recording is run. Made once for a key; holds no operand values. */
export interface LinkPlan {
  readonly steps: readonly Step[]
  /** For each wanted value: its id. */
  readonly results: readonly string[]
  /** Weights that are wanted as they are. */
  readonly weights: readonly string[]
  /** Blocks that this plan has no need of. */
  readonly skipped: readonly number[]
  /** The model's nodes that it runs. */
  readonly executed: ReadonlySet<number>
  /** Keys of the taps that its reads are behind: what is written there later comes too late for them. */
  readonly passed: ReadonlySet<string>
}
