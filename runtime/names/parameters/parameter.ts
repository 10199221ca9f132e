import type { GraphNode } from '../../onnx/graph/node.ts'

/** Integers that stand for numbers, `(data − zero point) × scale`, by their names in the graph. */
export interface Scaled {
  readonly kind: 'scaled'
  readonly data: string
  readonly scale: string
  readonly zeroPoint: string | undefined
  /** What is taken off where no zero point is given. */
  readonly zero: number
  /** Bits of one integer; below 8, several lie in a byte along the last axis, the lowest bits first. */
  readonly bits: number
  /** Dims as they act. */
  readonly dims: readonly number[]
  /** Along which axis scales differ, each for so many elements; undefined where one holds for all. */
  readonly along: { readonly axis: number; readonly block: number } | undefined
  /** For each element along the axis: its scale's place, where that is not in order. */
  readonly order: string | undefined
}

/** A value of the graph: an initializer, or what a node makes of one. */
export interface Plain {
  readonly kind: 'value'
  readonly name: string
  readonly dims: readonly number[]
}

/** How a written matrix takes effect where the graph has no value to put it in the place of. */
export interface Acts {
  readonly as: 'product' | 'rows'
  /** The activation that it meets, or the positions of its rows; and the node that reads that. */
  readonly input: string
  readonly reader: GraphNode
  /** What comes of it, and the node that makes that. */
  readonly output: string
  readonly node: GraphNode
  /** Whether the product takes the matrix turned around, as a Linear does. */
  readonly isTurned: boolean
  /** What the activation's integers stand for, where it is quantised on its way into the product. */
  readonly quantised: { readonly scale: string; readonly zeroPoint: string } | undefined
  readonly bias: string | undefined
  /** Of rows: the axis that they lie along. */
  readonly axis: number
}

/** A module's parameter that its file holds in another form: packed, quantised, transposed, or under another name. */
export interface Parameter {
  readonly form: Scaled | Plain
  /** Whether its file has the axes of this matrix the other way round. */
  readonly isTransposed: boolean
  /** As the module has it. */
  readonly dims: readonly number[]
  /** The initializers that it is made of. */
  readonly stored: readonly string[]
  /** For people: `MatMulNBits, 4 bits`. */
  readonly note: string
  readonly acts: Acts | undefined
}
