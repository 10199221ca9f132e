/** What an intervention graph may cost. A limit that is left out does not hold. */
export interface GraphLimits {
  /** The most nodes, those of the graph and those that its gradients and applied modules add. */
  readonly nodes?: number
  /** The most bytes of one value, of the graph or of the model on these inputs. */
  readonly valueBytes?: number
  /** The most bytes of all values that the graph adds, and of all that it returns. */
  readonly totalBytes?: number
  /** The most multiplications and the like, estimated from the dims of all values. */
  readonly work?: number
  /** The longest time in milliseconds. It is checked between the blocks of the model: only a process of its own can be stopped within one. */
  readonly timeMs?: number
}

export const GRAPH_LIMITS = ['nodes', 'valueBytes', 'totalBytes', 'work', 'timeMs'] as const

const MIB = 2 ** 20

/** Limits for graphs of people whom nobody knows. */
export const STRICT_LIMITS: Required<GraphLimits> = {
  nodes: 2000,
  valueBytes: 256 * MIB,
  totalBytes: 1024 * MIB,
  work: 1e12,
  timeMs: 30_000,
}
