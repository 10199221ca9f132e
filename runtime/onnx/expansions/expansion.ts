import type { NodeProto, TensorProto } from '../schema/onnx_pb.ts'

/** Where the rows of a batch of unequal lengths stand: from the same start, as operators that take lengths believe, or up to the same end. */
export type Alignment = 'start' | 'end'

/** A fused node, and what is known of the graph around it. */
export interface FusedNode {
  readonly proto: NodeProto
  /** Unique in its graph: the names of what it is written out as begin with it. */
  readonly name: string
  /** Version of ai.onnx that the plain nodes are written in. */
  readonly opset: number
  /** Names that are in use in the graph, those of nodes behind NODE: what is made up takes others, and is added. */
  readonly taken: Set<string>
  /** Dims of a value as far as the file declares them: those of weights, inputs and outputs. */
  dimsOf(value: string): readonly (number | string | undefined)[] | undefined
  /** The rank of a value as far as the file tells, through nodes that keep it. */
  rankOf(value: string): number | undefined
  /** The element type of a value as far as the file declares it, by onnxruntime's name: `float16`. */
  typeOf(value: string): string | undefined
}

/** What is known of a value inside: the dims are those of the operator's first input, but for axes that are 1. */
export interface InsideShape {
  /** From the end, below 0. */
  readonly reduced: readonly number[]
  /** The type is float32, also if the input has another type. */
  readonly isWide: boolean
}

/** Plain nodes that mean the same as a fused one: those that make its results give them the same names. */
export interface Expansion {
  /** In running order. */
  readonly nodes: readonly NodeProto[]
  readonly initializers: readonly TensorProto[]
  /** Values made inside that the fused operator can give out as its result of this index, where the file does not ask for it. */
  readonly optional?: ReadonlyMap<string, number>
  /** The value that adds a branch to the residual stream: it belongs to the module that the branch completes, not to the fused node's. */
  readonly sum?: string | undefined
  /** Values that belong to the module that makes the first input of their node: a bias that was fused into the next operation. */
  readonly completed?: readonly string[]
  /** Values that belong where the nodes around them do, or the parameters that their nodes read, and not where the result is made. */
  readonly placedByNeighbours?: readonly string[]
  /**
   * All that is made inside, where that is known without inference. Of an operator that nearly every model has many of: none of its parts is
   * in a skeleton, and among a module's operations they come behind all that stand in the file.
   */
  readonly inside?: ReadonlyMap<string, InsideShape>
}

/** The reason why a fused node can't be written out: `softcap with …`. */
export interface Refusal {
  readonly refused: string
}

export const isRefusal = (result: Expansion | Refusal): result is Refusal => 'refused' in result
