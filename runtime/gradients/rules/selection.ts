import type { Attributes, Dims } from '../../graph/expression.ts'
import { where } from '../../tensor/ops/comparison.ts'
import { stack } from '../../tensor/ops/join.ts'
import { castTo } from '../../tensor/ops/support/kernel.ts'
import { dimsOf, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { type ForwardNode, gradientOf, inputOf, type Rule } from '../forward-node.ts'
import { reshapedLike, shapeOf, transposed, zerosLike } from '../shapes.ts'

/** The numbers 0, 1, … along an axis of the tensor, with dims that broadcast with the tensor's. */
export function positionsAlong(tensor: Tensor, axis: number, rank: number): Tensor {
  const dim = dimsOf(tensor)?.at(axis)
  const at = axis < 0 ? axis + rank : axis
  const zero = int64Constant([0], [])
  const one = int64Constant([1], [])
  const range = recordOne('Range', [zero, lengthAlong(tensor, at), one], { type: 'int64', dims: [dim] })
  const after = rank - at - 1
  if (after === 0) return range
  const axes = int64Constant(Array.from({ length: after }, (_, i) => i + 1))
  return recordOne('Unsqueeze', [range, axes], { type: 'int64', dims: [dim, ...new Array<number>(after).fill(1)] })
}

/** The gradient of Gather's input: adds the gradient's rows to zeros with the input's dims, at the positions from which they were gathered. */
function gather(node: ForwardNode): Tensor {
  const x = inputOf(node, 0)
  const index = inputOf(node, 1)
  const gradient = gradientOf(node)
  const rank = dimsOf(x)?.length
  const indexRank = dimsOf(index)?.length
  if (rank === undefined || indexRank === undefined) throw new Error('The ranks of a Gather are not known.')
  const axis = node.attributes.int('axis', 0)
  const at = axis < 0 ? axis + rank : axis
  if (indexRank === 0) {
    // There is only one row. A mask puts it at its position, which works in every opset.
    const positions = positionsAlong(x, at, rank)
    const length = lengthAlong(x, at)
    const own = where(index.lt(0), index.add(length), index)
    const row = recordOne('Unsqueeze', [gradient, int64Constant([at])], {
      type: gradient.type,
      dims: dimsOf(x)?.map((dim, i) => (i === at ? 1 : dim)),
    })
    return where(positions.eq(own), row, 0)
  }
  // The gathered axis is moved to the front, and each row of the gradient is added to a row of zeros.
  const moved = toFront(gradient, at, indexRank)
  const rest = Array.from({ length: rank }, (_, i) => i).filter(i => i !== at)
  const front = transposed(x, [at, ...rest])
  const flatIndex = recordOne('Reshape', [index, int64Constant([-1, 1])], { type: index.type, dims: [undefined, 1] })
  const wide = index.type === 'int64' ? flatIndex : flatIndex.long()
  const rows = recordOne(
    'Concat',
    [int64Constant([-1]), tail(front, rank)],
    { type: 'int64', dims: [rank] },
    { axis: { int: 0 } },
  )
  const updates = recordOne('Reshape', [moved, rows], { type: gradient.type, dims: undefined })
  const added = recordOne(
    'ScatterND',
    [zerosLike(front, gradient.type), wide, updates],
    { type: gradient.type, dims: dimsOf(front) },
    { reduction: { string: 'add' } },
  )
  const back = [...rest.slice(0, at).map((_, i) => i + 1), 0, ...rest.slice(at).map((_, i) => at + i + 1)]
  return transposed(added, back)
}

function lengthAlong(tensor: Tensor, axis: number): Tensor {
  const dim = dimsOf(tensor)?.[axis]
  if (dim !== undefined) return int64Constant([dim], [])
  return recordOne('Gather', [shapeOf(tensor), int64Constant([axis], [])], { type: 'int64', dims: [] })
}

/** The tensor's dims without the first, as a tensor. */
function tail(tensor: Tensor, rank: number): Tensor {
  const dims = dimsOf(tensor)
  if (dims && !dims.slice(1).includes(undefined)) return int64Constant(dims.slice(1) as number[])
  return recordOne('Slice', [shapeOf(tensor), int64Constant([1]), int64Constant([rank])], {
    type: 'int64',
    dims: [rank - 1],
  })
}

/** Moves `count` axes, from the axis `at` on, to the front. */
function toFront(tensor: Tensor, at: number, count: number): Tensor {
  const rank = dimsOf(tensor)?.length
  if (at === 0) return tensor
  if (rank === undefined) throw new Error('The rank of a gradient is not known.')
  const all = Array.from({ length: rank }, (_, i) => i)
  return transposed(tensor, [...all.slice(at, at + count), ...all.slice(0, at), ...all.slice(at + count)])
}

const int64 = (dims: Dims | undefined) => ({ type: 'int64' as const, dims })

/** Starts, ends, axes and steps of a Slice, which are attributes in old opsets and inputs in new ones. */
function boundsOf({ attributes, inputs }: ForwardNode): readonly (Tensor | undefined)[] {
  const starts = attributes.ints('starts')
  if (!starts) return inputs.slice(1).map(input => input?.tensor)
  const axes = attributes.ints('axes') ?? starts.map((_, i) => i)
  return [starts, attributes.ints('ends')!, axes].map(each => int64Constant(each))
}

/** The axes of a Slice as numbers; undefined if they are unknown. */
function axesOfSlice({ attributes, inputs }: ForwardNode): readonly number[] | undefined {
  const starts = attributes.ints('starts')
  if (starts) return attributes.ints('axes') ?? starts.map((_, i) => i)
  if (inputs[3]) return inputs[3].ints
  const count = inputs[1] && dimsOf(inputs[1].tensor)?.[0]
  return count === undefined ? undefined : Array.from({ length: count }, (_, i) => i)
}

/** The gradient of Slice's input: the gradient at the slice's position and zeros around it. It is built axis by axis. */
function slice(node: ForwardNode): Tensor {
  const x = inputOf(node, 0)
  const rank = dimsOf(x)?.length
  const axes = axesOfSlice(node)
  if (rank === undefined || !axes) return sliceByNumbers(node)
  const bounds = boundsOf(node)
  return axes.reduce((gradient, axis, i) => {
    const of = (bound: Tensor | undefined): Tensor | undefined =>
      bound && recordOne('Slice', [bound, int64Constant([i]), int64Constant([i + 1])], { type: bound.type, dims: [1] })
    const [start, end, , step] = bounds.map(of)
    return rowsInPlace(gradient, x, axis < 0 ? axis + rank : axis, [start, end, zeroFor(start), step])
  }, gradientOf(node))
}

/** The axis 0 as a tensor, to slice a vector. It has the dtype of the slice's bounds. */
const zeroFor = (bound: Tensor | undefined): Tensor => {
  const zero = int64Constant([0])
  return bound?.type === 'int32' ? zero.int() : zero
}

/**
 * Puts a slice along one axis among rows of zeros. To find each row's position, the numbers of all rows are sliced with the same bounds. A row
 * that is not in the slice is read from a row of zeros, which is appended to the slice.
 */
function rowsInPlace(gradient: Tensor, x: Tensor, axis: number, bounds: readonly (Tensor | undefined)[]): Tensor {
  const [zero, one] = [int64Constant([0], []), int64Constant([1], [])]
  const rank = dimsOf(x)!.length
  const length = lengthAlong(x, axis)
  const count = recordOne('Gather', [shapeOfRun(gradient), int64Constant([axis], [])], int64([]))
  const numbers = recordOne('Range', [zero, length, one], int64([undefined]))
  const taken = recordOne('Slice', [numbers, ...bounds], int64([undefined]))
  const none = recordOne(
    'Expand',
    [count, recordOne('Unsqueeze', [length, int64Constant([0])], int64([1]))],
    int64([undefined]),
  )
  const sources = recordOne('Range', [zero, count, one], int64([undefined]))
  const rowOf = recordOne('ScatterElements', [none, taken, sources], int64([undefined]), { axis: { int: 0 } })
  const pads = new Array<number>(2 * rank).fill(0).with(rank + axis, 1)
  const before = dimsOf(gradient)
  const padded = recordOne('Pad', [gradient, int64Constant(pads)], {
    type: gradient.type,
    dims: before?.map((dim, i) => (i === axis ? undefined : dim)),
  })
  return recordOne(
    'Gather',
    [padded, rowOf],
    { type: gradient.type, dims: before?.map((dim, i) => (i === axis ? dimsOf(x)![axis] : dim)) },
    { axis: { int: axis } },
  )
}

/** The dims as a tensor that is computed at run time, even if they are known. */
function shapeOfRun(tensor: Tensor): Tensor {
  return recordOne('Shape', [tensor], int64([dimsOf(tensor)?.length]))
}

/** The same as `slice` if the axes or the rank are unknown. */
function sliceByNumbers(node: ForwardNode): Tensor {
  const numbers = numbersOf(inputOf(node, 0))
  return putBack(node, recordOne('Slice', [numbers, ...boundsOf(node)], int64(dimsOf(gradientOf(node)))), {})
}

/** The indices 0, 1, … of a tensor's elements, with its dims. An operator that takes elements of them shows which elements it takes. */
export function numbersOf(x: Tensor): Tensor {
  const size = recordOne('Size', [x], int64([]))
  const range = recordOne('Range', [int64Constant([0], []), size, int64Constant([1], [])], int64([undefined]))
  return reshapedLike(range, x)
}

/** Puts the gradient's elements among zeros, at these indices. */
export function putBack(node: ForwardNode, numbers: Tensor, attributes: Attributes): Tensor {
  const x = inputOf(node, 0)
  const gradient = gradientOf(node)
  const flat = (tensor: Tensor): Tensor =>
    recordOne('Reshape', [tensor, int64Constant([-1])], { type: tensor.type, dims: [undefined] })
  const placed = recordOne(
    'ScatterElements',
    [flat(zerosLike(x, gradient.type)), flat(numbers), flat(gradient)],
    { type: gradient.type, dims: [undefined] },
    { axis: { int: 0 }, ...attributes },
  )
  return reshapedLike(placed, x)
}

/** The gradient of GatherElements' input: adds each element of the gradient at the position from which it was gathered. */
function gatherElements(node: ForwardNode): Tensor {
  const x = inputOf(node, 0)
  const gradient = gradientOf(node)
  const attributes = { axis: { int: node.attributes.int('axis', 0) } }
  const index = inputOf(node, 1)
  // With one element along the axis, none is gathered twice. So nothing must be added, which works in every opset.
  const isOne = dimsOf(index)?.at(attributes.axis.int) === 1
  return recordOne(
    'ScatterElements',
    [zerosLike(x, gradient.type), index, gradient],
    { type: gradient.type, dims: dimsOf(x) },
    isOne ? attributes : { ...attributes, reduction: { string: 'add' } },
  )
}

/** The rules of operators that take elements from a tensor or write into one. */
export const selectionRules: Readonly<Record<string, Rule>> = {
  Gather: node => [() => gather(node), undefined],
  GatherElements: node => [() => gatherElements(node), undefined],
  GatherND: node => [
    () => {
      const { attributes } = node
      const taken = recordOne('GatherND', [numbersOf(inputOf(node, 0)), inputOf(node, 1)], int64(undefined), {
        batch_dims: { int: attributes.int('batch_dims', 0) },
      })
      return putBack(node, taken, { reduction: { string: 'add' } })
    },
    undefined,
  ],
  Slice: node => [() => slice(node)],
  /** Overwritten elements get no gradient, and each update gets the gradient of the element that it wrote. */
  TopK: node => {
    const index = node.outputs[1]?.tensor
    if (!index) return []
    const attributes = { axis: { int: node.attributes.int('axis', -1) } }
    const scattered = (): Tensor => {
      const [x, gradient] = [inputOf(node, 0), gradientOf(node)]
      const zeros = zerosLike(x, gradient.type)
      return recordOne(
        'ScatterElements',
        [zeros, index, gradient],
        { type: gradient.type, dims: dimsOf(x) },
        attributes,
      )
    }
    return [scattered, undefined]
  },
  /** Each of the two values gets the sum of the gradient where it stands. */
  OneHot: node => [
    undefined,
    undefined,
    () => {
      const [values, gradient] = [inputOf(node, 2), gradientOf(node)]
      const ones = castTo(int64Constant([0, 1]), values.type)
      const mask = recordOne(
        'OneHot',
        [inputOf(node, 0), inputOf(node, 1), ones],
        { type: values.type, dims: dimsOf(gradient) },
        { axis: { int: node.attributes.int('axis', -1) } },
      )
      const on = gradient.mul(mask).sum()
      return stack([gradient.sum().sub(on), on], 0)
    },
  ],
  Compress: node => [
    () => {
      const axis: Attributes = node.attributes.has('axis') ? { axis: { int: node.attributes.int('axis', 0) } } : {}
      const numbers = [numbersOf(inputOf(node, 0)), inputOf(node, 1)]
      return putBack(node, recordOne('Compress', numbers, int64(dimsOf(gradientOf(node))), axis), {})
    },
    undefined,
  ],
  /** Reversed once more. */
  ReverseSequence: node => [
    () => {
      const { attributes } = node
      const gradient = gradientOf(node)
      return recordOne(
        'ReverseSequence',
        [gradient, inputOf(node, 1)],
        { type: gradient.type, dims: dimsOf(gradient) },
        { time_axis: { int: attributes.int('time_axis', 0) }, batch_axis: { int: attributes.int('batch_axis', 1) } },
      )
    },
    undefined,
  ],
}
