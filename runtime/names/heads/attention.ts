import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Layout } from './layout.ts'
import type { Matrix } from './projection.ts'

/** The parts of a head: see `Head`. `rotQ` and `rotK` are queries and keys after a rotary embedding. */
export type Part = 'q' | 'k' | 'v' | 'rotQ' | 'rotK' | 'scores' | 'pattern' | 'z'

/** A value of the graph that holds one part of every head. */
export interface HeadPlace {
  readonly value: string
  readonly layout: Layout
  /** The number of heads in the value. The attention has more if groups of query heads share keys and values. */
  readonly heads: number
  /** The number of elements of one head at one position; undefined for scores and patterns. */
  readonly width: number | undefined
}

/** The linear layer after the heads, which adds up their results. */
export interface OutProjection {
  readonly matrix: Matrix
  /** The layer's result, `[batch, position, model width]`. */
  readonly output: string
}

/** One attention of a model: its heads, and the values that hold their parts. `reasons` says why parts are missing. */
export interface Attention {
  /** The node that makes the pattern: the Softmax, or the fused operator. */
  readonly node: GraphNode
  readonly heads: number
  readonly places: ReadonlyMap<Part, HeadPlace>
  readonly out: OutProjection | undefined
  readonly reasons: ReadonlyMap<Part | 'result', string>
  /** Whether keys and values come from other tokens than queries: those of an encoder. */
  readonly isCross: boolean
}

/** A node that may belong to an attention, and the reason why its heads are not known. */
export interface NoAttention {
  readonly node: GraphNode
  readonly reason: string
}

export const isAttention = (found: Attention | NoAttention): found is Attention => 'places' in found
