import { ArgumentError, IndexError, ShapeError, showDims } from '../../errors/tensor.ts'
import type { Dim } from '../../graph/expression.ts'
import { here } from '../here.ts'
import { int64Constant, int64Operand, MAX, MIN } from '../int64.ts'
import { broadcastDims } from '../promote.ts'
import { type SlicePart, type SliceSpec, toSlice } from '../slice.ts'
import { recordOne, Tensor } from '../tensor.ts'
import { castTo } from './kernel.ts'

type Range = Extract<SlicePart, { kind: 'range' }>

/** What each axis of the tensor is given, in order; null for a new axis. */
interface Selection {
  readonly ranges: { axis: number; range: Range }[]
  readonly indices: { axis: number; index: number }[]
  readonly lists: { axis: number; values: Tensor }[]
  /** The result's axes before lists are joined: a tensor axis, or null for a new one. */
  readonly layout: (number | null)[]
}

export const slicing = {
  /**
   * Part of the tensor, by NumPy's rules: h.slice(s`:, -1`). Single indices are taken first, as in PyTorch; index lists and masks
   * then replace their axes.
   * @throws IndexError for an index out of range, where dims are known
   */
  slice(this: Tensor, spec: SliceSpec): Tensor {
    const selection = select(this, toSlice(spec).parts)
    let result = takeRanges(this, selection.ranges)
    // The highest axis first, so that the others keep their numbers.
    const gone = [...selection.indices].sort((a, b) => b.axis - a.axis)
    for (const { axis, index } of gone) result = takeIndex(result, axis, index)
    const place = (axis: number): number => axis - gone.filter(other => other.axis < axis).length
    const axes = selection.lists.map(list => ({ axis: place(list.axis), values: list.values }))
    const left = selection.layout.filter(axis => axis === null || !gone.some(other => other.axis === axis))
    if (axes.length === 0) return addAxes(result, left)
    if (left.includes(null)) {
      result = addAxes(result, left)
      const moved = axes.map(({ axis, values }) => ({ axis: nthAxis(left, axis), values }))
      return takeLists(result, moved)
    }
    return takeLists(result, axes)
  },
}

/** Where the n-th axis of the tensor stands once new axes are added. */
function nthAxis(layout: readonly (number | null)[], n: number): number {
  let seen = -1
  return layout.findIndex(axis => axis !== null && ++seen === n)
}

function select(tensor: Tensor, parts: readonly SlicePart[]): Selection {
  const rank = tensor.dims.length
  const width = (part: SlicePart): number =>
    part.kind === 'ellipsis' || part.kind === 'newaxis'
      ? 0
      : part.kind === 'mask' && part.values instanceof Tensor
        ? part.values.dims.length
        : 1
  const used = parts.reduce((sum, part) => sum + width(part), 0)
  if (used > rank)
    throw new IndexError(`A slice of ${used} axes was taken of ${showDims(tensor.dims)}, which has ${rank}`, here())
  const selection: Selection = { ranges: [], indices: [], lists: [], layout: [] }
  let axis = 0
  const whole = (count: number): void => {
    for (let i = 0; i < count; i++) selection.layout.push(axis++)
  }
  for (const part of parts) {
    if (part.kind === 'newaxis') selection.layout.push(null)
    else if (part.kind === 'ellipsis') whole(rank - used)
    else if (part.kind === 'mask') {
      for (const values of maskIndices(tensor, part.values, axis)) {
        selection.lists.push({ axis, values })
        selection.layout.push(axis++)
      }
    } else {
      if (part.kind === 'range') selection.ranges.push({ axis, range: part })
      else if (part.kind === 'index') selection.indices.push({ axis, index: checkIndex(tensor, axis, part.value) })
      else selection.lists.push({ axis, values: indexTensor(tensor, axis, part.values) })
      selection.layout.push(axis++)
    }
  }
  whole(rank - axis)
  return selection
}

function checkIndex(tensor: Tensor, axis: number, index: number): number {
  const size = tensor.dims[axis]
  if (size !== undefined && (index >= size || index < -size)) {
    throw new IndexError(`Index ${index} is out of range for dim ${axis} of ${showDims(tensor.dims)}`, here())
  }
  return index
}

function indexTensor(tensor: Tensor, axis: number, values: Tensor | readonly number[]): Tensor {
  if (!(values instanceof Tensor)) {
    for (const value of values) checkIndex(tensor, axis, value)
    return int64Operand(values)
  }
  if (!/int/.test(values.type))
    throw new ArgumentError(`A ${values.type} tensor can't be an index.`, here(), 'use integers, or a bool mask')
  if (values.computed)
    for (const value of (values.tolist() as unknown as number[]).flat(Number.POSITIVE_INFINITY))
      checkIndex(tensor, axis, value as number)
  return castTo(values, 'int64')
}

/** The places where a mask holds: one list of indices for each of its axes. */
function maskIndices(tensor: Tensor, mask: Tensor | readonly boolean[], axis: number): Tensor[] {
  const dims = mask instanceof Tensor ? mask.dims : [mask.length]
  dims.forEach((dim, i) => {
    const own = tensor.dims[axis + i]
    if (dim !== undefined && own !== undefined && dim !== own) {
      throw new ShapeError(`A mask of ${showDims(dims)} does not fit ${showDims(tensor.dims)} at dim ${axis}`, here())
    }
  })
  if (!(mask instanceof Tensor)) return [int64Operand(mask.flatMap((flag, i) => (flag ? [i] : [])))]
  const places = recordOne('NonZero', [mask], { type: 'int64', dims: [dims.length, undefined] })
  return dims.map((_, i) => takeIndex(places, 0, i))
}

function takeRanges(tensor: Tensor, ranges: Selection['ranges']): Tensor {
  const real = ranges.filter(({ range }) => range.start !== undefined || range.stop !== undefined || range.step !== 1)
  if (real.length === 0) return tensor
  const starts = real.map(({ range }) => range.start ?? (range.step > 0 ? 0 : MAX))
  const ends = real.map(({ range }) => range.stop ?? (range.step > 0 ? MAX : MIN))
  const dims = [...tensor.dims]
  for (const { axis, range } of real) dims[axis] = rangeLength(range, dims[axis])
  const inputs = [tensor, int64Operand(starts), int64Operand(ends), int64Constant(real.map(({ axis }) => axis))]
  const isStepped = real.some(({ range }) => range.step !== 1)
  if (isStepped) inputs.push(int64Operand(real.map(({ range }) => range.step)))
  return recordOne('Slice', inputs, { type: tensor.type, dims })
}

/** How many elements a range takes of an axis. Bounds clamp. */
export function rangeLength({ start, stop, step }: Range, size: Dim): Dim {
  if (size === undefined) return undefined
  const [first, end] = rangeBounds({ start, stop, step }, size)
  return Math.max(0, Math.ceil((end - first) / step))
}

/** The first index, and the one before which a range ends; as Python's slice.indices. */
export function rangeBounds(
  { start, stop, step }: Pick<Range, 'start' | 'stop' | 'step'>,
  size: number,
): [number, number] {
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1]
  const clamp = (value: number): number => Math.min(high, Math.max(low, value < 0 ? value + size : value))
  return [
    start === undefined ? (step > 0 ? low : high) : clamp(start),
    stop === undefined ? (step > 0 ? high : low) : clamp(stop),
  ]
}

function takeIndex(tensor: Tensor, axis: number, index: number): Tensor {
  const dims = tensor.dims.filter((_, i) => i !== axis)
  return recordOne('Gather', [tensor, int64Operand([index], [])], { type: tensor.type, dims }, { axis: { int: axis } })
}

function addAxes(tensor: Tensor, layout: readonly (number | null)[]): Tensor {
  const axes = layout.flatMap((axis, i) => (axis === null ? [i] : []))
  if (axes.length === 0) return tensor
  let next = 0
  const dims = layout.map(axis => (axis === null ? 1 : tensor.dims[next++]))
  return recordOne('Unsqueeze', [tensor, int64Constant(axes)], { type: tensor.type, dims })
}

function takeLists(tensor: Tensor, lists: readonly { axis: number; values: Tensor }[]): Tensor {
  const { dims, type } = tensor
  if (lists.length === 1) {
    const [{ axis, values }] = lists
    const result = [...dims.slice(0, axis), ...values.dims, ...dims.slice(axis + 1)]
    return recordOne('Gather', [tensor, values], { type, dims: result }, { axis: { int: axis } })
  }
  const picked = lists.map(({ axis }) => axis)
  const rest = dims.map((_, i) => i).filter(axis => !picked.includes(axis))
  const shape = broadcastDims('index lists', ...lists.map(({ values }) => values.dims))!
  const columns = lists.map(({ values }) => stretch(values, shape))
  const joined = recordOne(
    'Concat',
    columns.map(column => column.unsqueeze(-1)),
    { type: 'int64', dims: [...shape, lists.length] },
    { axis: { int: shape.length } },
  )
  const turned = tensor.permute(...picked, ...rest)
  const gathered = recordOne('GatherND', [turned, joined], { type, dims: [...shape, ...rest.map(axis => dims[axis])] })
  // Lists side by side put their result in their own place; lists with an axis between them put it first.
  const isTogether = picked.every((axis, i) => i === 0 || axis === picked[i - 1] + 1)
  if (!isTogether || picked[0] === 0) return gathered
  const before = rest.filter(axis => axis < picked[0]).length
  const order = gathered.dims.map((_, i) => i)
  const moved = [
    ...order.slice(shape.length, shape.length + before),
    ...order.slice(0, shape.length),
    ...order.slice(shape.length + before),
  ]
  return gathered.permute(...moved)
}

function stretch(values: Tensor, shape: readonly Dim[]): Tensor {
  if (values.dims.length === shape.length && values.dims.every((dim, i) => dim === shape[i])) return values
  return shape.includes(undefined) ? values : values.expand(...(shape as number[]))
}
