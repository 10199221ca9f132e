import { type Dims, Value } from '../graph/expression.ts'
import type { DataType } from '../tensor/dtypes/dtype.ts'
import { castTo } from '../tensor/ops/support/kernel.ts'
import { dimsOf, newHandle, recordOne, stateOf, type Tensor } from '../tensor/tensor.ts'
import { int64Constant } from '../tensor/values/int64.ts'
import type { ForwardNode, ForwardValue, NamedDims, Rule } from './forward-node.ts'

const isFixed = (dims: Dims | undefined): dims is readonly number[] => dims?.includes(undefined) === false

/** The dims of a tensor as an int64 tensor. It is a constant if all dims are known. */
export function shapeOf(tensor: Tensor): Tensor {
  const dims = dimsOf(tensor)
  if (isFixed(dims)) return int64Constant(dims)
  return recordOne('Shape', [tensor], { type: 'int64', dims: dims && [dims.length] })
}

/** Reshapes the tensor to the dims of `like`. */
export function reshapedLike(tensor: Tensor, like: Tensor): Tensor {
  return reshaped(tensor, shapeOf(like), dimsOf(like))
}

/** Reshapes the tensor to the dims in `shape`. A 0 there means an axis without elements. */
export function reshaped(tensor: Tensor, shape: Tensor, dims: Dims | undefined): Tensor {
  return recordOne('Reshape', [tensor, shape], { type: tensor.type, dims }, { allowzero: { int: 1 } })
}

/** Repeats the tensor along axes of length 1, and along new axes before the first one, until it has the dims of `like`. */
export function expandedLike(tensor: Tensor, like: Tensor): Tensor {
  return recordOne('Expand', [tensor, shapeOf(like)], { type: tensor.type, dims: dimsOf(like) })
}

/** Zeros with the dims of `like`, and its dtype if no other is given. */
export function zerosLike(like: Tensor, type: DataType = like.type): Tensor {
  return filledLike(like, 0, type)
}

/** Ones with the dims of `like`, and its dtype if none is given. */
export function onesLike(like: Tensor, type: DataType = like.type): Tensor {
  return filledLike(like, 1, type)
}

function filledLike(like: Tensor, element: number, type: DataType): Tensor {
  return expandedLike(castTo(int64Constant([element], []), type), like)
}

/** The rule of an operator that broadcasts its inputs: sums the gradients of `rule`, which have the result's dims, to the inputs' dims. */
export function broadcasting(rule: Rule): Rule {
  return node => rule(node).map((gradient, i) => gradient && (() => summedTo(gradient(), node, node.inputs[i]!)))
}

/** Sums a gradient that has the dims of the node's first output over the axes along which broadcasting repeated the input. */
function summedTo(gradient: Tensor, node: ForwardNode, input: ForwardValue): Tensor {
  return summed(gradient, node.outputs[0]?.named, input)
}

/** Sums a tensor with these dims over the axes that have length 1 in `to`, or that `to` does not have. */
export function summed(tensor: Tensor, dims: NamedDims | undefined, to: ForwardValue): Tensor {
  const { named } = to
  if (!dims || !named) return summedAtRun(tensor, to.tensor)
  const added = dims.length - named.length
  if (added < 0) throw new Error('A gradient has fewer axes than its value.')
  const isEqual = (axis: number): boolean =>
    named[axis] !== undefined && (named[axis] === dims[added + axis] || typeof named[axis] === 'number')
  if (!named.every((dim, axis) => dim === 1 || isEqual(axis))) return summedAtRun(tensor, to.tensor)
  const repeated = named.flatMap((dim, axis) => (dim === 1 && dims[added + axis] !== 1 ? [added + axis] : []))
  const before = Array.from({ length: added }, (_, axis) => axis)
  let result = tensor
  if (repeated.length > 0) result = summedOver(result, repeated, true)
  return added > 0 ? summedOver(result, before, false) : result
}

/** Sums over axes, which are numbered from the first. */
export function summedOver(tensor: Tensor, axes: readonly number[], keepsAxes: boolean): Tensor {
  const dims = dimsOf(tensor)
  const left = keepsAxes
    ? dims?.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
    : dims?.filter((_, axis) => !axes.includes(axis))
  return recordOne(
    'ReduceSum',
    [tensor, int64Constant(axes)],
    { type: tensor.type, dims: left },
    { keepdims: { int: keepsAxes ? 1 : 0 } },
  )
}

/** It is assumed that no tensor has more axes than this. */
const MOST_AXES = 16

/** The tensor's rank, as an int64 tensor with one element. */
function rankOf(tensor: Tensor): Tensor {
  const shape = recordOne('Shape', [tensor], { type: 'int64', dims: [undefined] })
  return recordOne('Shape', [shape], { type: 'int64', dims: [1] })
}

/** The same if the axes of length 1 are known only at run time. They are computed there from the dims of `to`. */
function summedAtRun(tensor: Tensor, to: Tensor): Tensor {
  const int64 = (dims: Dims | undefined) => ({ type: 'int64' as const, dims })
  const vector = int64([undefined])
  const one = int64Constant([1])
  const [rank, rankOfTo] = [dimsOf(tensor)?.length, dimsOf(to)?.length]
  const ones =
    rank !== undefined && rankOfTo !== undefined
      ? int64Constant(new Array<number>(rank - rankOfTo).fill(1))
      : recordOne(
          'Slice',
          [
            int64Constant(new Array<number>(MOST_AXES).fill(1)),
            int64Constant([0]),
            recordOne('Sub', [rankOf(tensor), rankOf(to)], int64([1])),
          ],
          vector,
        )
  const shape = recordOne('Concat', [ones, shapeOf(to)], vector, { axis: { int: 0 } })
  const isOne = recordOne('Equal', [shape, one], { type: 'bool', dims: [undefined] })
  const found = recordOne('NonZero', [isOne], int64([1, undefined]))
  const axes = recordOne('Squeeze', [found, int64Constant([0])], vector)
  const sum = recordOne(
    'ReduceSum',
    [tensor, axes],
    { type: tensor.type, dims: dimsOf(tensor)?.map(() => undefined) },
    { keepdims: { int: 1 }, noop_with_empty_axes: { int: 1 } },
  )
  return reshapedLike(sum, to)
}

/** Permutes the axes. */
export function transposed(tensor: Tensor, perm: readonly number[]): Tensor {
  if (perm.every((from, to) => from === to)) return tensor
  const dims = dimsOf(tensor)
  return recordOne(
    'Transpose',
    [tensor],
    { type: tensor.type, dims: dims && perm.map(axis => dims[axis]) },
    { perm: { ints: perm } },
  )
}

/** The number of axes of a tensor. @throws if it is not known */
export function knownRank(tensor: Tensor, opType: string): number {
  const dims = dimsOf(tensor)
  if (!dims) throw new Error(`The rank of an input of ${opType} is not known.`)
  return dims.length
}

/** The tensor with a rank that its operator's other inputs tell, where its own dims are not known. */
export function ofRank(tensor: Tensor, rank: number | undefined): Tensor {
  if (dimsOf(tensor) || rank === undefined) return tensor
  const { expression, output, type } = stateOf(tensor).value
  return newHandle(new Value(expression, output, type, new Array<undefined>(rank).fill(undefined)))
}

/** Joins int64 vectors. */
export function joined(parts: readonly Tensor[]): Tensor {
  if (parts.length === 1) return parts[0]
  return recordOne('Concat', parts, { type: 'int64', dims: [undefined] }, { axis: { int: 0 } })
}

/** The dims from axis `first` on, as an int64 vector. It is a constant if they are known. */
export function shapeFrom(tensor: Tensor, first: number, opType: string): Tensor {
  const rank = knownRank(tensor, opType)
  const dims = dimsOf(tensor)!.slice(first)
  if (isFixed(dims)) return int64Constant(dims)
  const bounds = [int64Constant([first]), int64Constant([rank])]
  return recordOne('Slice', [shapeOf(tensor), ...bounds], { type: 'int64', dims: [rank - first] })
}
