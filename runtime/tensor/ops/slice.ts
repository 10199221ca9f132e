import { IndexError, showDims } from '../../errors/tensor.ts'
import type { Dim, Dims } from '../../graph/expression.ts'
import { axisOf } from '../arguments/axis.ts'
import { currentPosition } from '../current-position.ts'
import { sizeOf } from '../dtypes/data.ts'
import {
  areTogether,
  type Choice,
  jointDims,
  maskLists,
  type Range,
  rangeBounds,
  rangeLength,
  type Selection,
  select,
} from '../slices/selection.ts'
import { type SliceRange, type SliceSpec, toSlice } from '../slices/slice.ts'
import { carryAxes } from '../slices/sliced-axes.ts'
import { recordOne, stateOf, type Tensor } from '../tensor.ts'
import { int64Constant, int64Operand, MAX, MIN } from '../values/int64.ts'
import { extents, reshapeTo } from './support/dims.ts'

export const slicing = {
  /**
   * Takes a part of the tensor by NumPy's rules: h.slice(s`:, -1`). As in PyTorch, a single index applies first and drops its axis; lists
   * of indices and masks then replace their axes. The dtype stays. A mask that the run computes makes a dim unknown until then.
   * @throws IndexError for indices out of range, where dims are known; ShapeError for a mask of other dims
   */
  slice(this: Tensor, spec: SliceSpec): Tensor {
    const selection = select(this.dims, toSlice(spec).parts)
    return carryAxes(this, takeSelection(this, selection), selection)
  },
  /** Takes `length` elements of one axis from `start` on, as torch.narrow does. @throws IndexError */
  narrow(this: Tensor, dim: number, start: number, length: number): Tensor {
    const { dims } = this
    const axis = axisOf(dim, dims.length, 'narrow')
    const size = dims[axis]
    const from = start < 0 && size !== undefined ? start + size : start
    if (length < 0 || (size !== undefined && (from < 0 || from + length > size)))
      throw new IndexError(
        `narrow: ${length} elements from ${start} on leave dim ${dim} of ${showDims(dims)}`,
        currentPosition(),
      )
    const end = from < 0 && from + length === 0 ? MAX : from + length
    const inputs = [this, int64Operand([from]), int64Operand([end]), int64Constant([axis])]
    const result = dims.with(axis, length)
    const part = recordOne('Slice', inputs, { type: this.type, dims: result })
    // If there are too few elements, Slice gives those that there are, and Reshape then refuses them.
    return size === undefined ? reshapeTo(part, extents(this).with(axis, length), result) : part
  },
  /** Takes one place of an axis, and drops the axis, as torch.select does. @throws IndexError */
  select(this: Tensor, dim: number, index: number | Tensor): Tensor {
    const axis = axisOf(dim, this.dims.length, 'select')
    const whole = this.dims.slice(0, axis).map((): SliceRange => ({}))
    return this.slice([...whole, index])
  },
}

export function takeSelection(tensor: Tensor, selection: Selection): Tensor {
  let result = takeRanges(tensor, selection)
  // The last axis comes first, so that the others keep their numbers.
  for (const choice of selection.toReversed()) {
    if (choice.kind === 'index') result = takeIndex(result, choice.axis, choice.index)
  }
  const kept = selection.filter(choice => choice.kind !== 'index')
  return takeLists(addAxes(result, kept), kept)
}

function takeIndex(tensor: Tensor, axis: number, index: Tensor): Tensor {
  const dims = tensor.dims.toSpliced(axis, 1)
  return recordOne('Gather', [tensor, index], { type: tensor.type, dims }, { axis: { int: axis } })
}

function addAxes(tensor: Tensor, kept: Selection): Tensor {
  const axes = kept.flatMap((choice, i) => (choice.kind === 'newaxis' ? [i] : []))
  if (axes.length === 0) return tensor
  let next = 0
  const dims = kept.map(choice => (choice.kind === 'newaxis' ? 1 : tensor.dims[next++]))
  return recordOne('Unsqueeze', [tensor, int64Constant(axes)], { type: tensor.type, dims })
}

interface Cut {
  readonly axis: number
  readonly start: number | bigint
  readonly end: number | bigint
  readonly step: number
}

/** Takes all ranges in one node. Ranges that run backwards over an axis of unknown length are cut to size before. */
function takeRanges(tensor: Tensor, selection: Selection): Tensor {
  const ranges = selection.filter(choice => choice.kind === 'range')
  const before: Cut[] = []
  const cuts = ranges.map(({ axis, range }): Cut => {
    const size = tensor.dims[axis]
    if (size !== undefined) return { axis, ...knownBounds(range, size), step: range.step }
    const { start, stop, step } = range
    if (step > 0) return { axis, start: start ?? 0, end: stop ?? MAX, step }
    // Slice moves a start that lies before the axis to 0, where NumPy takes nothing. Cutting forwards first avoids that.
    if (start !== undefined || stop !== undefined)
      before.push({ axis, start: stop === undefined ? 0 : stop + 1 || MAX, end: (start ?? -1) + 1 || MAX, step: 1 })
    return { axis, start: MAX, end: MIN, step }
  })
  const dims = [...tensor.dims]
  for (const { axis, range } of ranges) dims[axis] = rangeLength(range, dims[axis])
  return cut(cut(tensor, before, tensor.dims), cuts, dims)
}

function knownBounds(range: Range, size: number): Pick<Cut, 'start' | 'end'> {
  const [start, end] = rangeBounds(range, size)
  if (rangeLength(range, size) === 0) return { start: 0, end: 0 }
  return { start, end: end < 0 ? MIN : end }
}

function cut(tensor: Tensor, cuts: readonly Cut[], dims: Dims): Tensor {
  if (cuts.length === 0) return tensor
  const inputs = [
    tensor,
    int64Operand(cuts.map(({ start }) => start)),
    int64Operand(cuts.map(({ end }) => end)),
    int64Constant(cuts.map(({ axis }) => axis)),
  ]
  if (cuts.some(({ step }) => step !== 1)) inputs.push(int64Operand(cuts.map(({ step }) => step)))
  return recordOne('Slice', inputs, { type: tensor.type, dims })
}

type Joined = { readonly axis: number; readonly values: Tensor }

function takeLists(tensor: Tensor, kept: Selection): Tensor {
  const { dims, type } = tensor
  const chosen = kept.flatMap((choice, axis) =>
    choice.kind === 'list' || choice.kind === 'mask' ? [{ choice, axis }] : [],
  )
  if (chosen.length === 0) return tensor
  if (chosen.length === 1) {
    const [{ choice, axis }] = chosen
    if (choice.kind === 'mask')
      return recordOne(
        'Compress',
        [tensor, choice.mask],
        { type, dims: dims.with(axis, undefined) },
        { axis: { int: axis } },
      )
    const result = dims.toSpliced(axis, 1, ...choice.values.dims)
    return recordOne('Gather', [tensor, choice.values], { type, dims: result }, { axis: { int: axis } })
  }
  const lists = chosen.map(({ choice, axis }): Joined => ({ axis, values: listOf(choice) }))
  const axes = lists.map(({ axis }) => axis)
  const joint = jointDims(lists.map(({ values }) => values))
  const rest = dims.map((_, axis) => axis).filter(axis => !axes.includes(axis))
  const reordered = reorder(tensor, [...axes, ...rest])
  const places = joinLists(
    lists.map(({ values }) => values),
    joint,
  )
  const gathered = recordOne('GatherND', [reordered, places], {
    type,
    dims: [...joint, ...rest.map(axis => dims[axis])],
  })
  if (!areTogether(axes)) return gathered
  const order = gathered.dims.map((_, i) => i)
  const moved = order.splice(0, joint.length)
  return reorder(gathered, order.toSpliced(axes[0], 0, ...moved))
}

function listOf(choice: Extract<Choice, { kind: 'list' | 'mask' }>): Tensor {
  return choice.kind === 'list' ? choice.values : maskLists(choice.mask)[0]
}

function reorder(tensor: Tensor, order: readonly number[]): Tensor {
  return order.every((axis, i) => axis === i) ? tensor : tensor.permute(order)
}

/** Joins lists of indices as columns of one tensor: [...joint, lists]. */
function joinLists(lists: readonly Tensor[], joint: Dims): Tensor {
  if (lists.every(list => list.computed))
    return int64Operand(joinKnown(lists, joint as number[]), [...(joint as number[]), lists.length])
  const columns = stretch(lists, joint).map(list => list.unsqueeze(-1))
  const dims: Dim[] = [...joint, lists.length]
  return recordOne('Concat', columns, { type: 'int64', dims }, { axis: { int: joint.length } })
}

function joinKnown(lists: readonly Tensor[], joint: readonly number[]): bigint[] {
  const columns = lists.map(list => broadcastReader(list, joint))
  const size = sizeOf(joint)
  const joined: bigint[] = []
  for (let i = 0; i < size; i++) for (const read of columns) joined.push(read(i))
  return joined
}

/** Returns a function that reads a computed list as if it were broadcast to the dims. */
export function broadcastReader(list: Tensor, dims: readonly number[]): (i: number) => bigint {
  const elements = stateOf(list).data()
  const data = elements.data as BigInt64Array
  if (elements.dims.length === dims.length && elements.dims.every((dim, i) => dim === dims[i])) return i => data[i]
  const lead = dims.length - elements.dims.length
  return i => {
    let [place, stride, rest] = [0, 1, i]
    for (let axis = dims.length - 1; axis >= lead; axis--) {
      const own = elements.dims[axis - lead]
      if (own !== 1) place += (rest % dims[axis]) * stride
      stride *= own
      rest = Math.floor(rest / dims[axis])
    }
    return data[place]
  }
}

/** Expands lists to the same dims. Where these are not known, adding zeros of the other lists' dims has the same effect. */
function stretch(lists: readonly Tensor[], joint: Dims): Tensor[] {
  if (!joint.includes(undefined)) {
    const shape = int64Operand(joint as number[])
    return lists.map(list => recordOne('Expand', [list, shape], { type: 'int64', dims: joint }))
  }
  const add = (a: Tensor, b: Tensor): Tensor => recordOne('Add', [a, b], { type: 'int64', dims: joint })
  const nothing = recordOne('Mul', [lists.reduce(add), int64Operand([0], [])], { type: 'int64', dims: joint })
  return lists.map(list => add(list, nothing))
}
