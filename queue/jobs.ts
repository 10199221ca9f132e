/** Jobs as data. A worker gets nothing else, and no job holds code. */

/** How a worker finds the model of a job: by its hash, and where a file of this hash may be had. */
export interface JobModel {
  readonly sha256: string
  /** The path or address of the .onnx file. */
  readonly source: string
}

/** Runs something with the model of a job, which is there until that has ended. */
export type UsingModel<M> = <T>(of: JobModel, run: (model: M) => Promise<T>) => Promise<T>

/** A job in the queue. */
export interface Job<D = unknown> {
  /** Equal work has an equal id, so that it is in the queue once. */
  readonly id: string
  /** What a worker does with it. */
  readonly kind: 'shard' | 'point'
  readonly data: D & { readonly model: JobModel }
}

/** Where a job is. `missing` means that the queue does not know it, such as after a loss of Redis’ last second. */
export type JobState =
  | { readonly state: 'waiting' | 'active' | 'missing' }
  | { readonly state: 'done'; readonly value: unknown }
  | { readonly state: 'dead'; readonly reason: string }
