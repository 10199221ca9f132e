import type { Attributes } from '../onnx/expansions/attributes.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Dims in which an unknown dim may have a name. Equal names mean equal dims. */
export type NamedDims = readonly (number | string | undefined)[]

/** A value that a node of the linked graph reads or computes. */
export interface ForwardValue {
  readonly tensor: Tensor
  /** The value's dims; undefined if its rank is unknown. */
  readonly named: NamedDims | undefined
  /** The value's element, if it is a constant with one element. */
  readonly number?: number | undefined
  /** The value's elements, if it is a small constant of integers. */
  readonly ints?: readonly number[] | undefined
}

/** A node between a place and the differentiated value, in the form that its rule takes. */
export interface ForwardNode {
  readonly opType: string
  readonly domain: string
  readonly attributes: Attributes
  /** The version of the operator set that the node uses. */
  readonly opset: number
  /** The node's inputs; undefined for an optional input that is left out. */
  readonly inputs: readonly (ForwardValue | undefined)[]
  readonly outputs: readonly (ForwardValue | undefined)[]
  /** The gradient of each output, with the output's dims; undefined if the differentiated value does not depend on the output. */
  readonly gradients: readonly (Tensor | undefined)[]
}

/**
 * Returns, for each input of a node, a function that computes its gradient by the chain rule, with the input's dims. It is called only if the
 * gradient is needed. Undefined for an input without a gradient, such as axes.
 */
export type Rule = (node: ForwardNode) => readonly ((() => Tensor) | undefined)[]

/** The input at `index`, which must exist by the operator's definition. */
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
