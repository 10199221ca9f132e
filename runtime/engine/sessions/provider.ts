import type { TensorData } from '../../tensor/dtypes/data.ts'

/** One compiled graph, ready to run. */
export interface Session {
  /** Runs the graph. Every input must be fed; only `fetches` are copied out. Feeds and results are keyed by value name. */
  run(feeds: Readonly<Record<string, TensorData>>, fetches: readonly string[]): Promise<Record<string, TensorData>>
  /** The outputs, with the dims that are known before a run. */
  readonly outputs: readonly SessionValue[]
  release(): Promise<void>
}

export interface SessionValue {
  readonly name: string
  readonly type: string
  /** A symbolic dim is given by its name; an unknown one is undefined. */
  readonly dims: readonly (number | string | undefined)[]
}

/** A graph for one session. */
export interface SessionModel {
  /** A ModelProto. */
  readonly bytes: Uint8Array
  /** The folder that its external data's locations are relative to; undefined if it has none. */
  readonly folder: string | undefined
  /** In a browser, the contents of its external data's locations. */
  readonly parts?: readonly WeightPart[] | undefined
  /** Whether it has Identity nodes that must not be removed, as they keep other nodes from being fused. */
  readonly isShielded?: boolean
}

/** The elements of a weight, which are read when a session is created. */
export interface WeightPart {
  readonly location: string
  readonly bytes: number
  read(): Promise<Uint8Array>
}

export interface SessionOptions {
  /** Whether to copy weights into the kernels' own layout: the session takes longer to create, and runs faster. */
  readonly prepack: boolean
  /** onnxruntime's level of graph optimisation. `basic` folds constants only, which skeletons need; `model` is for sessions that run the model. */
  readonly optimize: 'disabled' | 'basic' | 'model'
  /** Whether it gives back the memory of a run's values after each run, in the place of keeping it for the next one. @default false */
  readonly returnsMemory?: boolean
}

/** Packs weights as the kernels of a processor want them, for sessions to map. */
export interface WeightPacking {
  /** What the packed form depends on: the processor, with its features, and the version of onnxruntime. */
  readonly packer: { readonly processor: string; readonly version: string }
  /** Writes a model as onnxruntime optimises it, and its weights, packed too, to two files of one folder. */
  save(model: SessionModel, path: string, weightsPath: string): Promise<void>
}

/** Creates sessions on a device. Only the folder `engine/providers` imports onnxruntime. */
export interface Provider {
  readonly name: string
  /** Whether each session has its own copy of the weights, instead of sharing mapped files. */
  readonly copiesWeights?: boolean
  create(model: SessionModel, options: SessionOptions): Promise<Session>
  /** Undefined if sessions can't take packed weights from a file, as those on a GPU. */
  packing?(): Promise<WeightPacking | undefined>
  /** Creates and releases a minimal session. @throws onnxruntime's error if the device can't be used */
  probe(): Promise<void>
}
