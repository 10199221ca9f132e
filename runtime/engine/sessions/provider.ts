import type { TensorData } from '../../tensor/dtypes/data.ts'

/** One compiled graph, ready to run. */
export interface Session {
  /** Runs the graph. Every input must be fed; only `fetches` are copied out. Feeds and results are keyed by value name. */
  run(feeds: Readonly<Record<string, TensorData>>, fetches: readonly string[]): Promise<Record<string, TensorData>>
  /** Declared outputs with the dims that are known before a run. */
  readonly outputs: readonly SessionValue[]
  release(): Promise<void>
}

export interface SessionValue {
  readonly name: string
  readonly type: string
  /** A symbolic dim is its name; a dim that is not known is undefined. */
  readonly dims: readonly (number | string | undefined)[]
}

/** A graph for one session. */
export interface SessionModel {
  /** A ModelProto. */
  readonly bytes: Uint8Array
  /** The folder that its external data's locations are relative to; undefined if it has none. */
  readonly folder: string | undefined
  /** Where there are no folders: what its external data's locations stand for. */
  readonly parts?: readonly WeightPart[] | undefined
  /** Its nodes of Identity keep others apart, and must stay. */
  readonly isShielded?: boolean
}

/** A weight's elements, to be read when a session takes them. */
export interface WeightPart {
  readonly location: string
  readonly bytes: number
  read(): Promise<Uint8Array>
}

export interface SessionOptions {
  /** Copy weights into the layout the kernels like best: slower to create, faster to run. */
  readonly prepack: boolean
  /** `basic` folds constants only: for skeletons. */
  readonly optimize: 'disabled' | 'basic' | 'all'
}

/** Where graphs run. The only rooms that import onnxruntime are the providers. */
export interface Provider {
  readonly name: string
  /** Each session has its own copy of the weights: nothing is mapped, and nothing shared. */
  readonly copiesWeights?: boolean
  create(model: SessionModel, options: SessionOptions): Promise<Session>
  /** Creates a session of next to nothing. @throws what onnxruntime throws where the device can't be used */
  probe(): Promise<void>
}
