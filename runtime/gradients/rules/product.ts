import type { Dims } from '../../graph/expression.ts'
import { extentOf } from '../../tensor/ops/support/extent.ts'
import { dimsOf, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { type ForwardNode, type ForwardValue, gradientOf, inputOf, type NamedDims, type Rule } from '../forward-node.ts'
import { summed } from '../shapes.ts'

interface ProductOptions {
  readonly transposesA?: boolean
  readonly transposesB?: boolean
  /** The product is multiplied by this. */
  readonly alpha?: number
}

/**
 * Multiplies matrices, which are the last two axes. For a transposed matrix it uses onnxruntime's FusedMatMul, which reads the matrix where it
 * is. A Transpose node of a weight would be computed once and kept, which is a copy of the weight.
 */
export function product(a: Tensor, b: Tensor, options: ProductOptions, dims: Dims | undefined): Tensor {
  const { transposesA = false, transposesB = false, alpha = 1 } = options
  const result = { type: a.type, dims }
  if (!transposesA && !transposesB && alpha === 1) return recordOne('MatMul', [a, b], result)
  const attributes = {
    transA: { int: transposesA ? 1 : 0 },
    transB: { int: transposesB ? 1 : 0 },
    alpha: { float: alpha },
  }
  return recordOne('FusedMatMul', [a, b], result, attributes, 'com.microsoft')
}

/** Reshapes a tensor to one matrix, which has the rows of all its matrices. */
export function asRows(tensor: Tensor): Tensor {
  const shape = recordOne(
    'Concat',
    [int64Constant([-1]), extentOf(tensor, -1)],
    { type: 'int64', dims: [2] },
    { axis: { int: 0 } },
  )
  const last = dimsOf(tensor)?.at(-1)
  return recordOne('Reshape', [tensor, shape], { type: tensor.type, dims: [undefined, last] })
}

function withAxis(tensor: Tensor, axis: number): Tensor {
  const dims = dimsOf(tensor)
  const at = dims && (axis < 0 ? dims.length + 1 + axis : axis)
  const raised = dims && at !== undefined ? [...dims.slice(0, at), 1, ...dims.slice(at)] : undefined
  return recordOne('Unsqueeze', [tensor, int64Constant([axis])], { type: tensor.type, dims: raised })
}

function withoutAxis(tensor: Tensor, axis: number): Tensor {
  const dims = dimsOf(tensor)
  const left = dims?.filter((_, i) => i !== dims.length + axis)
  return recordOne('Squeeze', [tensor, int64Constant([axis])], { type: tensor.type, dims: left })
}

/** The rule of matrix products: ∂A = ∂Y·Bᵀ and ∂B = Aᵀ·∂Y, summed over the axes along which a matrix was broadcast. */
const matrixProduct: Rule = node => {
  const [first, second] = node.inputs as readonly ForwardValue[]
  const [a, b] = [first.tensor, second.tensor]
  const [rankA, rankB] = [dimsOf(a)?.length, dimsOf(b)?.length]
  const isVectorA = rankA === 1
  const isVectorB = rankB === 1
  const [alpha, transposesA, transposesB] = ['alpha', 'transA', 'transB'].map((name, i) =>
    i === 0 ? node.attributes.float(name, 1) : node.attributes.int(name, 0) === 1,
  ) as [number, boolean, boolean]
  const matrixA = isVectorA ? withAxis(a, 0) : a
  const matrixB = isVectorB ? withAxis(b, -1) : b
  const incoming = (): Tensor => {
    let gradient = gradientOf(node)
    if (isVectorB) gradient = withAxis(gradient, -1)
    return isVectorA ? withAxis(gradient, -2) : gradient
  }
  const batch = batchOfResult(node, isVectorA, isVectorB)
  /** Removes the axis that turned a vector into a matrix, and sums over the axes along which the input was broadcast. */
  const finish = (gradient: Tensor, of: ForwardValue, vectorAxis: number | undefined): Tensor => {
    const own = vectorAxis === undefined ? of.named?.slice(0, -2) : []
    if (own && batch && own.length === batch.length && own.every((dim, i) => dim !== undefined && dim === batch[i]))
      return vectorAxis === undefined ? gradient : withoutAxis(gradient, vectorAxis)
    const inner = vectorAxis === undefined ? of.named?.slice(-2) : of.named
    const dims = batch && inner && [...batch, ...inner]
    return summed(vectorAxis === undefined ? gradient : withoutAxis(gradient, vectorAxis), dims, of)
  }
  const byA = (): Tensor => {
    const gradient = transposesA
      ? product(matrixB, incoming(), { transposesA: transposesB, transposesB: true, alpha }, dimsOf(matrixA))
      : product(incoming(), matrixB, { transposesB: !transposesB, alpha }, undefinedBatch(matrixA, incoming()))
    return finish(gradient, first, isVectorA ? -2 : undefined)
  }
  const byB = (): Tensor => {
    // One product with the rows of all matrices also sums over the matrices.
    if (rankB === 2 && !transposesA && !transposesB && rankA !== undefined && rankA > 2) {
      return product(asRows(a), asRows(incoming()), { transposesA: true, alpha }, dimsOf(b))
    }
    const gradient = transposesB
      ? product(incoming(), matrixA, { transposesA: true, transposesB: transposesA, alpha }, undefined)
      : product(matrixA, incoming(), { transposesA: !transposesA, alpha }, undefined)
    return finish(gradient, second, isVectorB ? -1 : undefined)
  }
  return [byA, byB]
}

/** The dims of A's gradient before it is summed: those of the result, but with A's last axis. */
function undefinedBatch(matrix: Tensor, gradient: Tensor): Dims | undefined {
  const [dims, own] = [dimsOf(gradient), dimsOf(matrix)]
  return dims && own && [...dims.slice(0, -1), own.at(-1)]
}

function batchOfResult(node: ForwardNode, isVectorA: boolean, isVectorB: boolean): NamedDims | undefined {
  const named = node.outputs[0]?.named
  const matrices = 2 - (isVectorA ? 1 : 0) - (isVectorB ? 1 : 0)
  return named?.slice(0, named.length - matrices)
}

/** The rule of Gemm: Y = α·A'·B' + β·C, where A' and B' are A and B or their transposes. */
const gemm: Rule = node => {
  const { attributes } = node
  const [alpha, beta] = [attributes.float('alpha', 1), attributes.float('beta', 1)]
  const transposesA = attributes.int('transA', 0) === 1
  const transposesB = attributes.int('transB', 0) === 1
  const [a, b] = [inputOf(node, 0), inputOf(node, 1)]
  const byC = (c: ForwardValue) => (): Tensor => {
    const gradient = gradientOf(node)
    return summed(beta === 1 ? gradient : gradient.mul(beta), node.outputs[0]?.named, c)
  }
  const gemmOf = (left: Tensor, right: Tensor, transA: boolean, transB: boolean, like: Tensor): Tensor =>
    recordOne(
      'Gemm',
      [left, right],
      { type: left.type, dims: dimsOf(like) },
      { alpha: { float: alpha }, transA: { int: transA ? 1 : 0 }, transB: { int: transB ? 1 : 0 } },
    )
  const gradient = gradientOf(node)
  return [
    () => (transposesA ? gemmOf(b, gradient, transposesB, true, a) : gemmOf(gradient, b, false, !transposesB, a)),
    () => (transposesB ? gemmOf(gradient, a, true, transposesA, b) : gemmOf(a, gradient, !transposesA, false, b)),
    node.inputs[2] && byC(node.inputs[2]),
  ]
}

/** The rules of matrix products. */
export const productRules: Readonly<Record<string, Rule>> = {
  MatMul: matrixProduct,
  FusedMatMul: matrixProduct,
  Gemm: gemm,
}
