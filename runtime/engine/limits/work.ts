import type { Dims } from '../../graph/expression.ts'
import type { NodeProto } from '../../onnx/schema/onnx_pb.ts'
import { attributeText, einsumSizes } from './einsum-sizes.ts'

const product = (dims: readonly (number | undefined)[]): number =>
  dims.reduce<number>((all, dim) => all * (dim ?? 1), 1)

/** Elements of the largest value that a node holds while it runs, besides what it reads and makes. */
export function innerElements(node: NodeProto, inputs: readonly (Dims | undefined)[]): number {
  return node.opType === 'Einsum' ? Math.max(0, ...einsumSizes(attributeText(node, 'equation'), inputs).results) : 0
}

/** About how many multiplications and the like a node takes. */
export function workOf(
  node: NodeProto,
  inputs: readonly (Dims | undefined)[],
  outputs: readonly (Dims | undefined)[],
): number {
  const made = outputs.reduce((sum, dims) => sum + product(dims ?? []), 0)
  const read = inputs.reduce((sum, dims) => sum + (dims ? product(dims) : 0), 0)
  switch (node.opType) {
    case 'MatMul':
      return made * (inputs[0]?.at(-1) ?? 1)
    case 'Gemm': {
      const isTransposed = node.attribute.some(({ name, i }) => name === 'transA' && i === 1n)
      return made * (inputs[0]?.[isTransposed ? 0 : 1] ?? 1)
    }
    case 'Einsum':
      return einsumSizes(attributeText(node, 'equation'), inputs).work
    case 'Conv':
      return made * product(inputs[1]?.slice(1) ?? [])
    case 'ConvTranspose':
      return product(inputs[0] ?? []) * product(inputs[1]?.slice(1) ?? [])
    default:
      return made + read
  }
}
