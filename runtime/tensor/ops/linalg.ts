import { ShapeError, showDims } from '../../errors/tensor.ts'
import type { Dims } from '../../graph/expression.ts'
import { currentPosition } from '../current-position.ts'
import { dimsOf, recordOne, type Tensor } from '../tensor.ts'
import type { TensorLike } from '../values/convert.ts'
import { int64Constant } from '../values/int64.ts'
import { broadcastDims, promote } from '../values/promote.ts'
import { arithmetic } from './support/kernel.ts'

function multiply(name: string, a: TensorLike, b: TensorLike): Tensor {
  const [left, right] = promote(a, b)
  const dims = productDims(name, dimsOf(left), dimsOf(right))
  if (dimsOf(right)?.length !== 1 || dimsOf(left)?.length === 1) return arithmetic('MatMul', [left, right], dims)
  // onnxruntime fuses a transposed matrix and a vector into a product that reads the matrix untransposed. With a column, the product is right.
  const column = arithmetic('MatMul', [left, unsqueeze(right, 1)], dims && [...dims, 1])
  return recordOne('Squeeze', [column, int64Constant([-1])], { type: column.type, dims })
}

/**
 * Returns the dims of a matrix product. The last two axes are the matrices and the axes before them broadcast; a vector counts as a row on
 * the left and as a column on the right.
 */
function productDims(name: string, a: Dims | undefined, b: Dims | undefined): Dims | undefined {
  if (!a || !b) return undefined
  const fail = (why: string): never => {
    throw new ShapeError(`${name}: ${showDims(a)} and ${showDims(b)} ${why}`, currentPosition())
  }
  if (a.length === 0 || b.length === 0) fail('have no product: one is a single number')
  const inner = [a.at(-1), b.at(b.length === 1 ? -1 : -2)]
  if (inner[0] !== undefined && inner[1] !== undefined && inner[0] !== inner[1]) {
    fail(`do not match: ${inner[0]} columns, ${inner[1]} rows`)
  }
  const batch = broadcastDims(name, a.slice(0, -2), b.slice(0, -2))!
  return [...batch, ...(a.length > 1 ? [a.at(-2)] : []), ...(b.length > 1 ? [b.at(-1)] : [])]
}

function checkRank(name: string, rank: number, ...tensors: readonly Tensor[]): void {
  for (const tensor of tensors) {
    const dims = dimsOf(tensor)
    if (dims && dims.length !== rank) {
      throw new ShapeError(`${name}: takes tensors of rank ${rank}, not ${showDims(dims)}`, currentPosition())
    }
  }
}

function unsqueeze(tensor: Tensor, axis: 0 | 1): Tensor {
  const own = dimsOf(tensor)
  const dims = own && (axis === 0 ? [1, ...own] : [...own, 1])
  return recordOne('Unsqueeze', [tensor, int64Constant([axis])], { type: tensor.type, dims })
}

/** Products of matrices and vectors. Both operands get a common dtype. */
export const linalg = {
  /**
   * The matrix product this · other: [..., n, m] · [..., m, p] gives [..., n, p]. Batches broadcast and vectors are allowed, as by
   * torch.matmul.
   * @throws ShapeError
   */
  matmul(this: Tensor, other: TensorLike): Tensor {
    return multiply('matmul', this, other)
  },
  /** The matrix product other · this. @throws ShapeError */
  rmatmul(this: Tensor, other: TensorLike): Tensor {
    return multiply('matmul', other, this)
  },
  /** The matrix products of two batches: [b, n, m] · [b, m, p] gives [b, n, p], without broadcasting. @throws ShapeError */
  bmm(this: Tensor, other: TensorLike): Tensor {
    const [left, right] = promote(this, other)
    checkRank('bmm', 3, left, right)
    const [a, b] = [dimsOf(left)?.[0], dimsOf(right)?.[0]]
    if (a !== undefined && b !== undefined && a !== b) {
      throw new ShapeError(`bmm: ${a} matrices and ${b} matrices`, currentPosition(), 'matmul broadcasts')
    }
    return multiply('bmm', left, right)
  },
  /** The inner product of two vectors of the same length, as a tensor of rank 0. @throws ShapeError */
  dot(this: Tensor, other: TensorLike): Tensor {
    const [left, right] = promote(this, other)
    checkRank('dot', 1, left, right)
    return multiply('dot', left, right)
  },
  /** The outer product of two vectors: [n] and [m] give [n, m]. @throws ShapeError */
  outer(this: Tensor, other: TensorLike): Tensor {
    const [left, right] = promote(this, other)
    checkRank('outer', 1, left, right)
    return unsqueeze(left, 1).mul(unsqueeze(right, 0))
  },
}
