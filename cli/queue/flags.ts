/** The flags of `onnsight worker`. */
export interface WorkerFlags {
  readonly queue: string
  readonly models?: readonly string[]
  readonly concurrency?: number
  readonly rate?: number
  readonly memory?: number
  readonly lock?: number
}

/** The flags of `onnsight queue`. */
export interface QueueFlags {
  readonly queue: string
  readonly rate?: number
  readonly json?: boolean
}
