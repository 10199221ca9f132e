import { IndexError, ShapeError, showDims } from '../../errors/tensor.ts'
import type { Dim, Dims } from '../../graph/expression.ts'
import { currentPosition } from '../current-position.ts'
import { castTo } from '../ops/support/kernel.ts'
import { recordOne, stateOf, type Tensor } from '../tensor.ts'
import { int64Operand } from '../values/int64.ts'
import type { SlicePart } from './slice.ts'

export type Range = Extract<SlicePart, { kind: 'range' }>

/**
 * What a slice takes of one axis of the tensor; `newaxis` adds an axis to the result instead. A mask over several axes has become one list
 * for each of them.
 */
export type Choice =
  | { readonly kind: 'whole'; readonly axis: number }
  | { readonly kind: 'range'; readonly axis: number; readonly range: Range }
  /** `at` is undefined if the run computes the index. */
  | { readonly kind: 'index'; readonly axis: number; readonly index: Tensor; readonly at: number | undefined }
  | { readonly kind: 'list'; readonly axis: number; readonly values: Tensor }
  /** A mask of rank 1 that is not computed yet. */
  | { readonly kind: 'mask'; readonly axis: number; readonly mask: Tensor }
  | { readonly kind: 'newaxis' }

export type Selection = readonly Choice[]

/**
 * Assigns the parts of a slice to the axes of a tensor, in order.
 * @throws IndexError for indices out of range, where dims are known, and for too many parts; ShapeError for masks of other dims
 */
export function select(dims: Dims, parts: readonly SlicePart[]): Selection {
  const used = parts.reduce((sum, part) => sum + width(part), 0)
  if (used > dims.length)
    throw new IndexError(
      `A slice of ${used} axes was taken of ${showDims(dims)}, which has ${dims.length}`,
      currentPosition(),
    )
  const choices: Choice[] = []
  let axis = 0
  const whole = (count: number): void => {
    for (let i = 0; i < count; i++) choices.push({ kind: 'whole', axis: axis++ })
  }
  for (const part of parts) {
    switch (part.kind) {
      case 'newaxis':
        choices.push({ kind: 'newaxis' })
        break
      case 'ellipsis':
        whole(dims.length - used)
        break
      case 'range':
        if (isWhole(part)) whole(1)
        else choices.push({ kind: 'range', axis: axis++, range: part })
        break
      case 'index':
        checkIndex(dims, axis, part.value)
        choices.push({ kind: 'index', axis: axis++, index: int64Operand([part.value], []), at: part.value })
        break
      case 'list':
        choices.push(list(dims, axis++, part.values))
        break
      case 'mask': {
        const chosen = mask(dims, axis, part.values)
        choices.push(...chosen)
        axis += chosen.length
      }
    }
  }
  whole(dims.length - axis)
  return choices
}

function width(part: SlicePart): number {
  if (part.kind === 'ellipsis' || part.kind === 'newaxis') return 0
  return part.kind === 'mask' ? part.values.rank : 1
}

const isWhole = ({ start, stop, step }: Range): boolean => start === undefined && stop === undefined && step === 1

function checkIndex(dims: Dims, axis: number, index: number | bigint): void {
  const size = dims[axis]
  if (size !== undefined && (index >= size || index < -size))
    throw new IndexError(`index ${index} is out of range for dim ${axis} of ${showDims(dims)}`, currentPosition())
}

/** Makes a choice of integers: rank 0 is a single index, any other rank a list. */
function list(dims: Dims, axis: number, values: Tensor): Choice {
  if (values.computed) for (const value of stateOf(values).data().data) checkIndex(dims, axis, value as number | bigint)
  if (values.rank > 0) return { kind: 'list', axis, values: int64(values) }
  return { kind: 'index', axis, index: int64(values), at: values.computed ? Number(values.item()) : undefined }
}

/** Converts indices to int64: a computed tensor in JavaScript, so that it can be checked and has known dims, any other in the graph. */
function int64(values: Tensor): Tensor {
  if (values.type === 'int64' || !values.computed) return castTo(values, 'int64')
  return int64Operand(
    Array.from(stateOf(values).data().data as ArrayLike<number | bigint>),
    stateOf(values).data().dims,
  )
}

/** Checks the dims of a mask. @throws ShapeError if the mask has other dims than the axes from `axis` on; IndexError if it has more axes */
export function checkMask(dims: Dims, axis: number, mask: Tensor): void {
  if (axis + mask.rank > dims.length)
    throw new IndexError(
      `A mask of ${mask.rank} axes was laid over ${showDims(dims)} from dim ${axis} on`,
      currentPosition(),
    )
  mask.dims.forEach((dim, i) => {
    const own = dims[axis + i]
    if (dim !== undefined && own !== undefined && dim !== own)
      throw new ShapeError(
        `A mask of ${showDims(mask.dims)} does not fit ${showDims(dims)} at dim ${axis}`,
        currentPosition(),
      )
  })
}

function mask(dims: Dims, axis: number, values: Tensor): Choice[] {
  checkMask(dims, axis, values)
  if (values.computed)
    return placesOf(values).map((places, i) => ({ kind: 'list', axis: axis + i, values: int64Operand(places) }))
  if (values.rank === 1) return [{ kind: 'mask', axis, mask: values }]
  return maskLists(values).map((list, i) => ({ kind: 'list', axis: axis + i, values: list }))
}

/** Returns the places where a computed mask holds: one list for each of its axes. */
function placesOf(mask: Tensor): number[][] {
  const { data, dims } = stateOf(mask).data()
  const places: number[][] = dims.map(() => [])
  for (let i = 0; i < data.length; i++) {
    if (!data[i]) continue
    for (let axis = dims.length - 1, rest = i; axis >= 0; axis--) {
      places[axis].push(rest % dims[axis])
      rest = Math.floor(rest / dims[axis])
    }
  }
  return places
}

/** Records the places where a mask holds that the run computes: one list for each of its axes. */
export function maskLists(mask: Tensor): Tensor[] {
  const places = recordOne('NonZero', [mask], { type: 'int64', dims: [mask.rank, undefined] })
  return mask.dims.map((_, i) =>
    recordOne('Gather', [places, int64Operand([i], [])], { type: 'int64', dims: [undefined] }, { axis: { int: 0 } }),
  )
}

/** Returns how many elements a range takes of an axis. Bounds beyond the axis are clamped. */
export function rangeLength(range: Range, size: Dim): Dim {
  if (size === undefined) return undefined
  const [first, end] = rangeBounds(range, size)
  return Math.max(0, Math.ceil((end - first) / range.step))
}

/**
 * Returns the first index of a range, and the index before which it ends (−1 if that is before the start), as Python's slice.indices does.
 */
export function rangeBounds({ start, stop, step }: Range, size: number): [first: number, end: number] {
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1]
  const clamp = (value: number): number => Math.min(high, Math.max(low, value < 0 ? value + size : value))
  return [
    start === undefined ? (step > 0 ? low : high) : clamp(start),
    stop === undefined ? (step > 0 ? high : low) : clamp(stop),
  ]
}

/** Returns the dims that several lists give together. @throws IndexError if they do not broadcast */
export function jointDims(lists: readonly Tensor[]): Dims {
  const rank = Math.max(...lists.map(list => list.rank))
  return Array.from({ length: rank }, (_, axis) => {
    let joint: Dim = 1
    for (const { dims } of lists) {
      const own = axis < rank - dims.length ? 1 : dims[axis - rank + dims.length]
      if (own === 1 || own === joint) continue
      if (joint === 1 || (joint === undefined && own !== undefined)) joint = own
      else if (own !== undefined)
        throw new IndexError(
          `index lists of ${lists.map(list => showDims(list.dims)).join(' and ')} do not broadcast`,
          currentPosition(),
        )
    }
    return joint
  })
}

/** Whether lists are side by side. Their joint axes then stand in the lists' place, else first, as in NumPy. */
export function areTogether(axes: readonly number[]): boolean {
  return axes.every((axis, i) => i === 0 || axis === axes[i - 1] + 1)
}
