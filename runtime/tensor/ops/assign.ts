import { DtypeError, ShapeError, showDims } from '../../errors/tensor.ts'
import type { Dims } from '../../graph/expression.ts'
import { type TensorLike, toTensor } from '../convert.ts'
import { here } from '../here.ts'
import { int64Constant, int64Operand, MAX } from '../int64.ts'
import { promoteTypes } from '../promote.ts'
import { type SlicePart, type SliceSpec, toSlice } from '../slice.ts'
import { recordOne, Tensor } from '../tensor.ts'
import { castTo } from './kernel.ts'
import { rangeBounds } from './slice.ts'

export const assignment = {
  /**
   * A copy with `value` in the slice, broadcast as in PyTorch's x[…] = v. Numbers and arrays take the tensor's dtype; a tensor of a
   * wider one must be converted first. Where a list names a place twice, the last value stays.
   * @throws ShapeError if the value does not broadcast to the slice; DtypeError if it would lose precision
   */
  assign(this: Tensor, spec: SliceSpec, value: TensorLike): Tensor {
    const { parts } = toSlice(spec)
    const given = convert(this, value)
    if (parts.every(part => part.kind === 'ellipsis' || isWhole(part))) return whole(this, given)
    const single = singleSpan(this, parts)
    if (single) return splice(this, given, single)
    return scatter(this, given, spec)
  },
}

function convert(target: Tensor, value: TensorLike): Tensor {
  if (!(value instanceof Tensor)) return toTensor(value, { type: target.type })
  if (value.type === target.type) return value
  if (promoteTypes(value.type, target.type) === target.type) return castTo(value, target.type)
  throw new DtypeError(
    `A ${value.type} value was written into a ${target.type} tensor, which would lose precision.`,
    here(),
    `convert it: value.to('${target.type}')`,
  )
}

const isWhole = (part: SlicePart): boolean =>
  part.kind === 'range' && part.start === undefined && part.stop === undefined && part.step === 1

/** The value as large as the whole tensor. */
function whole(target: Tensor, value: Tensor): Tensor {
  const { dims } = target
  const fitted = fit(value, dims)
  if (sameDims(fitted.dims, dims)) return fitted
  const shape = dims.includes(undefined) ? shapeOf(target) : int64Operand(dims as number[])
  return recordOne('Expand', [fitted, shape], { type: target.type, dims })
}

interface Span {
  readonly axis: number
  readonly start: number
  readonly end: number
  /** Whether the axis is absent in the slice's own dims. */
  readonly isIndex: boolean
}

/** The slice as one run along one axis, all others whole; undefined for other slices and for unknown dims. */
function singleSpan(target: Tensor, parts: readonly SlicePart[]): Span | undefined {
  const { dims } = target
  if (dims.includes(undefined)) return undefined
  const used = parts.filter(part => part.kind !== 'ellipsis').length
  let span: Span | undefined
  let axis = 0
  for (const part of parts) {
    if (part.kind === 'ellipsis') {
      axis += dims.length - used
      continue
    }
    if (part.kind !== 'index' && part.kind !== 'range') return undefined
    if (part.kind === 'range' && part.step !== 1) return undefined
    if (!isWhole(part)) {
      const size = dims[axis] as number
      if (span) return undefined
      if (part.kind === 'index') {
        if (part.value >= size || part.value < -size) return undefined
        const start = part.value < 0 ? part.value + size : part.value
        span = { axis, start, end: start + 1, isIndex: true }
      } else {
        const [start, end] = rangeBounds(part, size)
        span = { axis, start, end: Math.max(start, end), isIndex: false }
      }
    }
    axis++
  }
  return axis <= dims.length ? span : undefined
}

/** What lies before the run, the value, what lies after it. */
function splice(target: Tensor, value: Tensor, { axis, start, end, isIndex }: Span): Tensor {
  const dims = target.dims as readonly number[]
  const sliceDims = isIndex ? dims.filter((_, i) => i !== axis) : dims.map((dim, i) => (i === axis ? end - start : dim))
  let fitted = fit(value, sliceDims)
  // A missing axis of the slice comes back as 1: in front it is implied by broadcasting.
  if (isIndex && fitted.dims.length > dims.length - 1 - axis)
    fitted = fitted.unsqueeze(axis - dims.length + fitted.dims.length + 1)
  const middleDims = dims.map((dim, i) => (i === axis ? end - start : dim))
  const middle = recordOne('Expand', [fitted, int64Operand(middleDims)], { type: target.type, dims: middleDims })
  const cut = (from: number, to: number | bigint, length: number): Tensor =>
    recordOne('Slice', [target, int64Operand([from]), int64Operand([to]), int64Constant([axis])], {
      type: target.type,
      dims: dims.map((dim, i) => (i === axis ? length : dim)),
    })
  const parts = [cut(0, start, start), middle, cut(end, MAX, dims[axis] - end)]
  return recordOne('Concat', parts, { type: target.type, dims }, { axis: { int: axis } })
}

/** Any other slice: the same slice of the elements' numbers says where the values go. */
function scatter(target: Tensor, value: Tensor, spec: SliceSpec): Tensor {
  const { dims, type } = target
  const shape = shapeOf(target)
  const size = recordOne('Size', [target], { type: 'int64', dims: [] })
  const numbers = recordOne('Range', [int64Operand([0], []), size, int64Operand([1], [])], {
    type: 'int64',
    dims: [undefined],
  })
  const places = recordOne('Reshape', [numbers, shape], { type: 'int64', dims }).slice(spec)
  const fitted = fit(value, places.dims)
  const values = recordOne('Expand', [fitted, shapeOf(places)], { type, dims: places.dims })
  const flat = (tensor: Tensor): Tensor =>
    recordOne('Reshape', [tensor, int64Constant([-1])], { type: tensor.type, dims: [undefined] })
  const written = recordOne(
    'ScatterElements',
    [flat(target), flat(places), flat(values)],
    { type, dims: [undefined] },
    { axis: { int: 0 } },
  )
  return recordOne('Reshape', [written, shape], { type, dims })
}

function shapeOf(tensor: Tensor): Tensor {
  return recordOne('Shape', [tensor], { type: 'int64', dims: [tensor.dims.length] })
}

/** The value without leading axes of size 1 that the slice lacks. @throws ShapeError if it does not broadcast */
function fit(value: Tensor, dims: Dims): Tensor {
  let fitted = value
  while (fitted.dims.length > dims.length && fitted.dims[0] === 1) fitted = fitted.squeeze(0)
  const lead = dims.length - fitted.dims.length
  const fits =
    lead >= 0 &&
    fitted.dims.every(
      (dim, i) => dim === undefined || dim === 1 || dims[i + lead] === undefined || dim === dims[i + lead],
    )
  if (!fits)
    throw new ShapeError(`A value of ${showDims(value.dims)} does not fit a slice of ${showDims(dims)}`, here())
  return fitted
}

const sameDims = (a: Dims, b: Dims): boolean =>
  a.length === b.length && a.every((dim, i) => dim !== undefined && dim === b[i])
