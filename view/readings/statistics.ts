import { type Tensor, where, zeros } from '../../runtime/index.ts'
import type { Statistics } from '../protocol/api.ts'

/** The statistics of a tensor, still to be computed by onnxruntime. */
export interface StatisticsHandles {
  readonly min: Tensor
  readonly max: Tensor
  readonly mean: Tensor
  readonly std: Tensor
  readonly nan: Tensor
  readonly infinite: Tensor
  readonly finite: Tensor
  readonly parts: Tensor
  readonly count: number
}

/** How many parts a histogram has. */
const PARTS = 32

/** The dtypes whose numbers can be shown. */
export const isNumeric = ({ type }: Tensor): boolean => type !== 'string' && !/complex|float8|float4|other/.test(type)

/** Converts to float32, or to float64 if float32 would lose digits. */
export const asFloats = (tensor: Tensor): Tensor =>
  tensor.to(/^(?:float64|u?int(?:32|64))$/.test(tensor.type) ? 'float64' : 'float32')

/** Edited minus unedited; undefined if there is no unedited value, or one of other dims. */
export const differenceOf = (edited: Tensor, unedited: Tensor | undefined): Tensor | undefined =>
  unedited && String(unedited.dims) === String(edited.dims) ? asFloats(edited).sub(asFloats(unedited)) : undefined

/** Records the statistics of the finite elements, and the number of the others. Returns undefined for a tensor without elements. */
export function statistics(tensor: Tensor): StatisticsHandles | undefined {
  const { size } = tensor
  if (size === 0) return undefined
  const x = asFloats(tensor).flatten()
  const isNumber = x.isfinite()
  const count = isNumber.to('float64').sum()
  const zeroed = where(isNumber, x, 0).to('float64')
  const mean = zeroed.sum().div(count)
  const deviation = where(isNumber, zeroed.sub(mean), 0)
  const min = where(isNumber, x, Number.POSITIVE_INFINITY).amin()
  const max = where(isNumber, x, Number.NEGATIVE_INFINITY).amax()
  return {
    min,
    max,
    mean,
    parts: histogram(zeroed, isNumber, min.to('float64'), max.to('float64')),
    std: deviation.mul(deviation).sum().div(count).sqrt(),
    nan: x.isnan().to('int64').sum(),
    infinite: x.isinf().to('int64').sum(),
    finite: count,
    count: size,
  }
}

/** How many finite elements lie in each part between the least and the greatest. */
function histogram(x: Tensor, isNumber: Tensor, min: Tensor, max: Tensor): Tensor {
  const range = max.sub(min)
  const width = where(range.gt(0), range, 1)
  const parts = x
    .sub(min)
    .div(width)
    .mul(PARTS)
    .floor()
    .clamp(0, PARTS - 1)
  const isCounted = isNumber.and(parts.isfinite())
  return zeros([PARTS], { type: 'int64' }).scatterAdd(0, where(isCounted, parts, 0).to('int64'), isCounted.to('int64'))
}

export function sentStatistics({ count, finite, nan, infinite, parts, ...rest }: StatisticsHandles): Statistics {
  const isAny = Number(finite.item()) > 0
  const number = (tensor: Tensor): number | null => (isAny ? Number(tensor.item()) : null)
  return {
    min: number(rest.min),
    max: number(rest.max),
    mean: number(rest.mean),
    std: number(rest.std),
    nan: Number(nan.item()),
    infinite: Number(infinite.item()),
    count,
    ...(isAny ? { histogram: (parts.tolist() as (number | bigint)[]).map(Number) } : {}),
  }
}
