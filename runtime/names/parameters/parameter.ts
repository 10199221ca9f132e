import type { GraphNode } from '../../onnx/graph/node.ts'

/** A quantised weight, by the names of its parts in the graph: an integer means `(data − zeroPoint) × scale`. */
export interface Scaled {
  readonly kind: 'scaled'
  readonly data: string
  readonly scale: string
  readonly zeroPoint: string | undefined
  /** The zero point if there is no tensor for it. */
  readonly zero: number
  /** Bits of one integer. Below 8, a byte holds several along the last axis, lowest bits first. */
  readonly bits: number
  /** Dims of the matrix that it stands for. */
  readonly dims: readonly number[]
  /** The axis along which scales differ, and how many elements share one; undefined for one scale for all. */
  readonly along: { readonly axis: number; readonly block: number } | undefined
  /** Name of the tensor that gives the index of each element's scale, if they are not in order. */
  readonly order: string | undefined
}

/** A value of the graph: an initializer, or the result of a node that reads one. */
export interface Plain {
  readonly kind: 'value'
  readonly name: string
  readonly dims: readonly number[]
}

/** How to apply a matrix that the user writes, if no value of the graph can be replaced by it. Then the node's result is computed anew. */
export interface WeightUse {
  readonly as: 'product' | 'rows'
  /** The activation that it is multiplied with, or the indices of the rows; and the node that reads them. */
  readonly input: string
  readonly reader: GraphNode
  /** The result, and the node that makes it. */
  readonly output: string
  readonly node: GraphNode
  /** Whether the product uses the transposed matrix, as a Linear does. */
  readonly isTransposed: boolean
  /** Scale and zero point of the activation, if it is quantised before the product. */
  readonly quantised: { readonly scale: string; readonly zeroPoint: string } | undefined
  readonly bias: string | undefined
  /** For `rows`: the axis that is indexed. */
  readonly axis: number
}

/** A module's parameter that its file holds in another form: packed, quantised, transposed, or under another name. */
export interface Parameter {
  readonly form: Scaled | Plain
  /** Whether the file stores the transposed matrix. */
  readonly isTransposed: boolean
  /** Dims of the module's matrix. */
  readonly dims: readonly number[]
  /** Names of the initializers that it is made of. */
  readonly stored: readonly string[]
  /** Shown to users: `4 bits`. */
  readonly note: string
  readonly use: WeightUse | undefined
}
