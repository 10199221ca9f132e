import { castTo } from '../../tensor/ops/support/kernel.ts'
import { recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { type ForwardNode, gradientOf, inputOf, type Rule } from '../forward-node.ts'
import { summed } from '../shapes.ts'
import { product } from './product.ts'

function reshapedTo(tensor: Tensor, dims: readonly number[]): Tensor {
  return recordOne('Reshape', [tensor, int64Constant(dims)], { type: tensor.type, dims })
}

function firstOfLastAxis(tensor: Tensor, count: number, dims: readonly number[]): Tensor {
  const at = [[0], [count], [dims.length - 1]].map(each => int64Constant(each))
  return recordOne('Slice', [tensor, ...at], { type: tensor.type, dims: dims.with(-1, count) })
}

/** Unpacks the integers from the bytes of the last axis, the lowest bits of a byte first. The result is float32. */
function integers(bytes: Tensor, bits: number, dims: readonly number[]): Tensor {
  let rest = castTo(bytes, 'float32')
  if (bits === 8) return rest
  const perByte = 8 / bits
  const parts: Tensor[] = []
  for (let i = 0; i < perByte; i++) {
    const above = rest.div(2 ** bits).floor()
    const part = rest.sub(above.mul(2 ** bits))
    parts.push(reshapedTo(part, [...dims, 1]))
    rest = above
  }
  const apart = { type: 'float32' as const, dims: [...dims, perByte] }
  const all = recordOne('Concat', parts, apart, { axis: { int: dims.length } })
  return reshapedTo(all, dims.with(-1, dims.at(-1)! * perByte))
}

/**
 * The matrix [N, K] of a MatMulNBits, unpacked. Each block along K has a scale and a zero point of its own (microsoft/onnxruntime,
 * docs/ContribOperators.md).
 */
function unpackedMatrix(node: ForwardNode): Tensor {
  const { attributes, inputs } = node
  const [rows, columns] = [attributes.int('N', 0), attributes.int('K', 0)]
  const [bits, block] = [attributes.int('bits', 4), attributes.int('block_size', 32)]
  const blocks = Math.ceil(columns / block)
  const bytes = (block * bits) / 8
  const numbers = integers(reshapedTo(inputOf(node, 1), [rows, blocks, bytes]), bits, [rows, blocks, bytes])
  const scale = castTo(reshapedTo(inputOf(node, 2), [rows, blocks, 1]), 'float32')
  const centred = numbers.sub(zeroPoints() ?? 2 ** (bits - 1))
  const whole = reshapedTo(centred.mul(scale), [rows, blocks * block])
  const matrix = blocks * block === columns ? whole : firstOfLastAxis(whole, columns, [rows, blocks * block])
  return castTo(matrix, inputOf(node, 0).type)

  function zeroPoints(): Tensor | undefined {
    const points = inputs[3]?.tensor
    if (!points) return undefined
    if (points.type !== 'uint8') return castTo(reshapedTo(points, [rows, blocks, 1]), 'float32')
    const packed = Math.ceil((blocks * bits) / 8)
    const dims = [rows, packed]
    const all = integers(reshapedTo(points, dims), bits, dims)
    const held = (packed * 8) / bits
    return reshapedTo(held === blocks ? all : firstOfLastAxis(all, blocks, [rows, held]), [rows, blocks, 1])
  }
}

/** The rule of MatMulNBits: ∂A = ∂Y·W, where W is the unpacked matrix [N, K]. The packed integers have no gradient. */
const matMulNBits: Rule = node => {
  if (node.inputs[4]) return []
  return [
    () => {
      const gradient = gradientOf(node)
      return product(gradient, unpackedMatrix(node), {}, undefined)
    },
    undefined,
    undefined,
    undefined,
    undefined,
    node.inputs[5] && (() => summed(gradientOf(node), node.outputs[0]?.named, node.inputs[5]!)),
  ]
}

/** The rules of products with packed matrices. */
export const packedProductRules: Readonly<Record<string, Rule>> = { MatMulNBits: matMulNBits }
