import { DtypeError, ShapeError, showDims } from '../../errors/tensor.ts'
import type { Dim, Dims } from '../../graph/expression.ts'
import { currentPosition } from '../current-position.ts'
import { rowsOf } from '../slices/selected-rows.ts'
import { type Choice, checkMask, rangeBounds, rangeLength, type Selection, select } from '../slices/selection.ts'
import { type SlicePart, type SliceSpec, toSlice } from '../slices/slice.ts'
import { recordOne, stateOf, Tensor } from '../tensor.ts'
import { type TensorLike, toTensor } from '../values/convert.ts'
import { int64Constant, int64Operand, MAX } from '../values/int64.ts'
import { broadcastDims, promoteTypes } from '../values/promote.ts'
import { takeSelection } from './slice.ts'
import { castTo, kernelType } from './support/kernel.ts'

export const assignment = {
  /**
   * Returns a copy with `value` written into the slice and broadcast to its dims, as by x[…] = v in PyTorch. Numbers and arrays take the
   * tensor's dtype; a tensor of a wider dtype must be converted first. Where a list names a place twice, the last value stays (on CUDA only
   * for lists that are known when the block is recorded).
   * @throws ShapeError if the value does not broadcast to the slice; DtypeError if it would lose precision; IndexError for indices out of
   * range
   */
  assign(this: Tensor, spec: SliceSpec, value: TensorLike): Tensor {
    const { parts } = toSlice(spec)
    const converted = convert(this, value)
    const chosen = byMask(this, parts, converted)
    if (chosen) return chosen
    const selection = select(this.dims, parts)
    for (const write of [whole, rows, masked, splice, elements]) {
      const written = write(this, selection, converted)
      if (written) return written
    }
    return scatter(this, selection, converted)
  },
}

/** One way of writing a slice. It returns the copy, or undefined if it can't write this selection. */
type Write = (target: Tensor, selection: Selection, value: Tensor) => Tensor | undefined

function convert(target: Tensor, value: TensorLike): Tensor {
  if (!(value instanceof Tensor)) return toTensor(value, { type: target.type })
  if (value.type === target.type) return value
  if (promoteTypes(value.type, target.type) === target.type) return castTo(value, target.type)
  throw new DtypeError(
    `A ${value.type} value was written into a ${target.type} tensor, which would lose precision.`,
    currentPosition(),
    `convert it: value.to('${target.type}')`,
  )
}

/** Writes the whole tensor: the result is the value, expanded to the tensor's dims. */
const whole: Write = (target, selection, value) => {
  if (!selection.every(choice => choice.kind === 'whole')) return undefined
  const fitted = fit(value, target.dims)
  return asLarge(
    expand(fitted, target.dims, () => shapeOf(target)),
    target,
    [fitted.dims],
  )
}

/** Writes one value wherever a mask over the first axes holds. Where takes such a mask as it is. */
function byMask(target: Tensor, parts: readonly SlicePart[], value: Tensor): Tensor | undefined {
  const [mask, ...others] = parts
  if (mask?.kind !== 'mask' || mask.values.rank < 2 || !others.every(part => part.kind === 'ellipsis')) return undefined
  const { values } = mask
  checkMask(target.dims, 0, values)
  const rest = target.dims.slice(values.rank)
  const fitted = fit(value, [undefined, ...rest])
  if (fitted.rank > rest.length && fitted.dims[0] !== 1) return undefined
  const isHere = addAxes(
    values,
    rest.map((_, i) => values.rank + i),
  )
  return choose(target, isHere, fitted.rank > rest.length ? fit(fitted, rest) : fitted)
}

/** Returns the value where the condition holds, and the tensor elsewhere. */
function choose(target: Tensor, condition: Tensor, value: Tensor): Tensor {
  const type = kernelType(target.type)
  const inputs = [condition, castTo(value, type), castTo(target, type)]
  const chosen = recordOne('Where', inputs, { type, dims: target.dims })
  return castTo(asLarge(chosen, target, [condition.dims, value.dims]), target.type)
}

/**
 * Makes sure that the result has the target's dims: broadcasting enlarges a dim of 1. Where unknown dims leave this open, the run refuses a
 * result of another size.
 */
function asLarge(result: Tensor, target: Tensor, shapes: readonly Dims[]): Tensor {
  const { dims } = target
  const isSure = shapes.every(shape =>
    shape.every((dim, i) => {
      const own = dims[dims.length - shape.length + i]
      return dim === 1 || (own !== undefined && (own !== 1 || dim !== undefined))
    }),
  )
  if (isSure) return result
  // Without `allowzero`, Reshape copies the input's dim where the new one is 0.
  const wanted = dims.includes(undefined) ? shapeOf(target) : int64Operand(dims as number[])
  return recordOne('Reshape', [result, wanted], { type: result.type, dims }, { allowzero: { int: 1 } })
}

/** With more numbers than this, making the list of places costs more than it saves. */
const MOST_PLACES = 2048

/** Writes a few whole rows whose places are known: ScatterND copies row by row. */
const rows: Write = (target, selection, value) =>
  selection.at(-1)?.kind === 'whole' ? atPlaces(target, selection, value) : undefined

/** Writes a few single elements whose places are known. */
const elements: Write = (target, selection, value) => atPlaces(target, selection, value)

function atPlaces(target: Tensor, selection: Selection, value: Tensor): Tensor | undefined {
  const chosen = rowsOf(selection, target.dims, MOST_PLACES)
  if (!chosen || chosen.hasRepeats) return undefined
  const { places, dims, depth } = chosen
  const sliceDims = [...dims, ...target.dims.slice(depth)]
  const values = expand(fit(value, sliceDims), sliceDims, () => shapeAfter(target, depth, dims))
  const inputs = [target, int64Operand(places, [...dims, depth]), values]
  return recordOne('ScatterND', inputs, { type: target.type, dims: target.dims })
}

/** Writes a value that is the same at all chosen places of each axis: Where chooses by position. */
const masked: Write = (target, selection, value) => {
  const chosen = selection.filter(choice => choice.kind !== 'whole')
  const flags = chosen.map(choice => flagsOf(choice, target.dims))
  if (flags.includes(undefined) || chosen.filter(isJoined).length > 1) return undefined
  const kept = selection.filter(choice => choice.kind !== 'index')
  const fitted = fit(value, takenDims(target.dims, kept))
  const lead = kept.length - fitted.rank
  if (fitted.dims.some((dim, i) => kept[i + lead].kind !== 'whole' && dim !== 1)) return undefined
  const isHere = (flags as Tensor[]).reduce((a, b) =>
    recordOne('And', [a, b], { type: 'bool', dims: broadcastDims('assign', a.dims, b.dims) }),
  )
  // Single indices have dropped axes. They come back as axes of size 1, except in front, where broadcasting adds them.
  const first = fitted.rank === 0 ? target.rank : (kept[lead] as Exclude<Choice, { kind: 'newaxis' }>).axis
  const dropped = selection.flatMap(choice =>
    choice.kind === 'index' && choice.axis > first ? [choice.axis - first] : [],
  )
  return choose(target, isHere, addAxes(fitted, dropped))
}

/** Whether the choice is a list or a mask. Several of them choose together, place by place. */
const isJoined = (choice: Choice): boolean => choice.kind === 'list' || choice.kind === 'mask'

/** Returns flags for the chosen places of the axis, shaped to broadcast against the tensor; undefined if they are not known. */
function flagsOf(choice: Choice, dims: Dims): Tensor | undefined {
  if (choice.kind === 'newaxis' || choice.kind === 'whole') return undefined
  const size = dims[choice.axis]
  const shape = [size ?? 0, ...Array.from(dims.slice(choice.axis + 1), () => 1)]
  if (choice.kind === 'mask')
    return addAxes(
      choice.mask,
      shape.slice(1).map((_, i) => i + 1),
    )
  if (size === undefined) return undefined
  const data = new Uint8Array(size)
  if (choice.kind === 'index') {
    if (choice.at === undefined) return undefined
    data[choice.at < 0 ? choice.at + size : choice.at] = 1
  } else if (choice.kind === 'list') {
    if (!choice.values.computed || choice.values.rank !== 1) return undefined
    for (const place of stateOf(choice.values).data().data as BigInt64Array)
      data[Number(place) + (place < 0n ? size : 0)] = 1
  } else {
    const [from, end] = rangeBounds(choice.range, size)
    const { step } = choice.range
    for (let place = from; step > 0 ? place < end : place > end; place += step) data[place] = 1
  }
  return Tensor.of({ type: 'bool', dims: shape, data })
}

/** Returns the dims of what a selection without single indices takes. */
function takenDims(dims: Dims, kept: Selection): Dims {
  return kept.map(choice => {
    if (choice.kind === 'newaxis') return 1
    if (choice.kind === 'range') return rangeLength(choice.range, dims[choice.axis])
    if (choice.kind === 'list') return choice.values.dims[0]
    return choice.kind === 'mask' ? undefined : dims[choice.axis]
  })
}

/** Writes one contiguous range of an axis: joins what lies before it, the value, and what lies after it. */
const splice: Write = (target, selection, value) => {
  const { dims, type } = target
  const chosen = selection.filter(choice => choice.kind !== 'whole')
  const [run] = chosen
  if (chosen.length !== 1 || run.kind !== 'range' || run.range.step !== 1) return undefined
  const size = dims[run.axis]
  if (size === undefined) return undefined
  const [start, stop] = rangeBounds(run.range, size)
  const end = Math.max(start, stop)
  const middleDims = dims.with(run.axis, end - start)
  const middle = expand(fit(value, middleDims), middleDims, () => shapeOf(cut(target, run.axis, start, end)))
  const parts = [cut(target, run.axis, 0, start), middle, cut(target, run.axis, end, MAX)]
  return recordOne('Concat', parts, { type, dims }, { axis: { int: run.axis } })
}

function cut(target: Tensor, axis: number, from: number, to: number | bigint): Tensor {
  const dims = target.dims.with(axis, undefined)
  const inputs = [target, int64Operand([from]), int64Operand([to]), int64Constant([axis])]
  return recordOne('Slice', inputs, { type: target.type, dims })
}

/** Writes any selection: the same slice of the elements' numbers says where the values go. */
function scatter(target: Tensor, selection: Selection, value: Tensor): Tensor {
  const { dims, type } = target
  const shape = shapeOf(target)
  const reshape = (tensor: Tensor): Tensor => {
    // Without `allowzero`, Reshape copies the input's dim where the new one is 0.
    const attributes = dims.includes(undefined) || dims.includes(0) ? { allowzero: { int: 1 } } : undefined
    return recordOne('Reshape', [tensor, shape], { type: tensor.type, dims }, attributes)
  }
  const size = recordOne('Size', [target], { type: 'int64', dims: [] })
  const numbers = recordOne('Range', [int64Constant([0], []), size, int64Constant([1], [])], {
    type: 'int64',
    dims: [undefined],
  })
  const places = takeSelection(reshape(numbers), selection)
  const values = expand(fit(value, places.dims), places.dims, () => shapeOf(places))
  const written = recordOne(
    'ScatterElements',
    [flat(target), flat(places), flat(values)],
    { type, dims: [undefined] },
    { axis: { int: 0 } },
  )
  return reshape(written)
}

function flat(tensor: Tensor): Tensor {
  return recordOne('Reshape', [tensor, int64Constant([-1])], { type: tensor.type, dims: [undefined] })
}

/** Expands the value to the dims. A known shape is an operand, so that one plan serves every size. */
function expand(value: Tensor, dims: Dims, shape: () => Tensor): Tensor {
  if (sameDims(value.dims, dims)) return value
  const wanted = dims.includes(undefined) ? shape() : int64Operand(dims as number[])
  return recordOne('Expand', [value, wanted], { type: value.type, dims })
}

function shapeOf(tensor: Tensor): Tensor {
  return recordOne('Shape', [tensor], { type: 'int64', dims: [tensor.dims.length] })
}

/** Returns the shape `dims`, followed by the tensor's own dims from `depth` on. */
function shapeAfter(tensor: Tensor, depth: number, dims: readonly number[]): Tensor {
  const own = recordOne('Slice', [shapeOf(tensor), int64Constant([depth]), int64Constant([MAX])], {
    type: 'int64',
    dims: [tensor.rank - depth],
  })
  const both: Dim[] = [dims.length + tensor.rank - depth]
  return recordOne('Concat', [int64Operand(dims), own], { type: 'int64', dims: both }, { axis: { int: 0 } })
}

function addAxes(tensor: Tensor, axes: readonly number[]): Tensor {
  if (axes.length === 0) return tensor
  const dims = [...tensor.dims]
  for (const axis of axes) dims.splice(axis, 0, 1)
  return recordOne('Unsqueeze', [tensor, int64Constant(axes)], { type: tensor.type, dims })
}

/** Returns the value without the leading axes of size 1 that the slice does not have. @throws ShapeError if the value does not broadcast */
function fit(value: Tensor, dims: Dims): Tensor {
  const lead = dims.length - value.rank
  const extra = value.dims.slice(0, Math.max(0, -lead))
  const fits =
    extra.every(dim => dim === 1 || dim === undefined) &&
    value.dims.slice(extra.length).every((dim, i) => {
      const own = dims[i + Math.max(0, lead)]
      return dim === undefined || dim === 1 || own === undefined || dim === own
    })
  if (!fits)
    throw new ShapeError(
      `A value of ${showDims(value.dims)} does not fit a slice of ${showDims(dims)}`,
      currentPosition(),
    )
  if (extra.length === 0) return value
  return recordOne('Squeeze', [value, int64Constant(extra.map((_, i) => i))], {
    type: value.type,
    dims: value.dims.slice(extra.length),
  })
}

const sameDims = (a: Dims, b: Dims): boolean =>
  a.length === b.length && a.every((dim, i) => dim !== undefined && dim === b[i])
