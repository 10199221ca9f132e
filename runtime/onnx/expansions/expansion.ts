import type { NodeProto, TensorProto } from '../schema/onnx_pb.ts'

/**
 * How rows of unequal lengths lie in a batch: all begin at the same position, as operators that take lengths assume, or all end at the same
 * position.
 */
export type Alignment = 'start' | 'end'

/** A fused node, and facts about the graph around it. */
export interface FusedNode {
  readonly proto: NodeProto
  /** The node's name, unique in its graph. The names of its plain nodes and of their values begin with it. */
  readonly name: string
  /** The version of ai.onnx for which the plain nodes are written. */
  readonly opset: number
  /** Names in use in the graph; those of nodes begin with `NODE`. A new name must not be among them, and is added to them. */
  readonly taken: Set<string>
  /** The dims of a value as far as the file declares them, which it does for weights, inputs and outputs. */
  dimsOf(value: string): readonly (number | string | undefined)[] | undefined
  /** The rank of a value, if the file declares it for this value, or for one from which it comes through nodes that keep the rank. */
  rankOf(value: string): number | undefined
  /** The element type of a value, if the file declares it, with onnxruntime's name for it: `float16`. */
  typeOf(value: string): string | undefined
}

/** The dims and type of a value inside an expansion. The dims are those of the fused node's first input, except that some axes are 1. */
export interface InsideShape {
  /** The axes of length 1, counted from the end: below 0. */
  readonly reduced: readonly number[]
  /** The type is float32, also if the input has another type. */
  readonly isWide: boolean
}

/** Plain nodes that compute the same as a fused node. Its results have the same names in them. */
export interface Expansion {
  /** The plain nodes, in running order. */
  readonly nodes: readonly NodeProto[]
  readonly initializers: readonly TensorProto[]
  /** Values inside that the fused operator has an optional output for, with the index of that output. The file does not use the output. */
  readonly optional?: ReadonlyMap<string, number>
  /** The sum of a branch and the residual stream. It belongs to the module that the branch completes, and not to the fused node's. */
  readonly sum?: string | undefined
  /** Values that belong to the module that makes the first input of their node: sums with a bias that was fused into the next operation. */
  readonly completed?: readonly string[]
  /** Values that belong to the module of the nodes around them, or of the parameters that their nodes read, and not to the fused node's. */
  readonly placedByNeighbours?: readonly string[]
  /**
   * The shapes of all values inside, if they are known without inference. This is for operators of which nearly every model has many: their
   * plain nodes are left out of skeletons, and come after all nodes of the file among a module's operations.
   */
  readonly inside?: ReadonlyMap<string, InsideShape>
}

/** The reason why a fused node can't be written out: `softcap with …`. */
export interface Refusal {
  readonly refused: string
}

export const isRefusal = (result: Expansion | Refusal): result is Refusal => 'refused' in result
