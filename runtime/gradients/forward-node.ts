import type { Attributes } from '../onnx/expansions/attributes.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Dims with names for unknown ones, where they have a name: equal names mean equal dims. */
export type NamedDims = readonly (number | string | undefined)[]

/** What a node of the linked graph reads or makes. */
export interface ForwardValue {
  readonly tensor: Tensor
  /** Its dims. Undefined if the rank is not known. */
  readonly named: NamedDims | undefined
  /** Its element, if it is a constant with one element. */
  readonly number?: number | undefined
  /** Its elements, if it is a small constant of integers. */
  readonly ints?: readonly number[] | undefined
}

/** A node between a place and the value that is differentiated, as its rule sees it. */
export interface ForwardNode {
  readonly opType: string
  readonly domain: string
  readonly attributes: Attributes
  /** The version of the operator set that the node is written in. */
  readonly opset: number
  /** Undefined for an optional input that is left out. */
  readonly inputs: readonly (ForwardValue | undefined)[]
  readonly outputs: readonly (ForwardValue | undefined)[]
  /** The gradient of each output, with the output's dims. Undefined for an output that the differentiated value does not depend on. */
  readonly gradients: readonly (Tensor | undefined)[]
}

/**
 * The gradients of a node's inputs, by the chain rule: each is computed if it is needed, and has the input's dims. Undefined for an input
 * that has none, such as axes.
 */
export type Rule = (node: ForwardNode) => readonly ((() => Tensor) | undefined)[]

/** Input `index`, which the operator's definition requires. */
export function inputOf({ opType, inputs }: ForwardNode, index: number): Tensor {
  const value = inputs[index]
  if (!value) throw new Error(`${opType} has no input ${index}.`)
  return value.tensor
}

/** The gradient of the node's first output. */
export function gradientOf({ opType, gradients }: ForwardNode): Tensor {
  const [gradient] = gradients
  if (!gradient) throw new Error(`Nothing depends on the result of ${opType}.`)
  return gradient
}

/** The node's first output. */
export function resultOf({ opType, outputs }: ForwardNode): Tensor {
  const [value] = outputs
  if (!value) throw new Error(`${opType} has no result.`)
  return value.tensor
}
