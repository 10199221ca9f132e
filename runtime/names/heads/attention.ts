import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Layout } from './layout.ts'
import type { Matrix } from './projection.ts'

/** What a head has: see `Head`. `rotQ` and `rotK` are queries and keys after a rotary embedding. */
export type Part = 'q' | 'k' | 'v' | 'rotQ' | 'rotK' | 'scores' | 'pattern' | 'z'

/** A value of the graph in which a part of every head is. */
export interface HeadPlace {
  readonly value: string
  readonly layout: Layout
  /** Heads in it: fewer than the attention has where groups of queries share keys and values. */
  readonly heads: number
  /** Elements of one head at one position; undefined for scores and patterns. */
  readonly width: number | undefined
}

/** Where the heads' results are added up: the linear layer after them. */
export interface OutProjection {
  readonly matrix: Matrix
  /** Its result, `[batch, position, model width]`. */
  readonly output: string
}

/** One attention of a model: its heads, and where their parts are in the graph. Parts that it lacks have a reason. */
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

/** Why a Softmax is no attention whose heads are known. */
export interface NoAttention {
  readonly node: GraphNode
  readonly reason: string
}

export const isAttention = (found: Attention | NoAttention): found is Attention => 'places' in found
