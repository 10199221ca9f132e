import type { Tensor } from 'onnsight'

/** Why a value is not the expected one; undefined if it is. Integers and bools must be equal. `tolerance` is relative to the largest expected. */
export function difference(got: Tensor, expected: Tensor, tolerance: number): string | undefined {
  if (got.dims.join() !== expected.dims.join()) return `dims [${got.dims}], expected [${expected.dims}]`
  const allowed = expected.type.includes('float') ? tolerance : 0
  const off = distance(got, expected)
  return off <= allowed ? undefined : `off by ${off.toPrecision(3)} of the largest value, allowed ${allowed}`
}

/** The largest difference of two elements, as a share of the largest expected one; infinite if one is NaN. Both have the same dims. */
export function distance(got: Tensor, expected: Tensor): number {
  const [a, b] = [got, expected].map(({ data }) => Array.from(data as ArrayLike<number | bigint>, Number))
  const most = b.reduce((max, value) => Math.max(max, Math.abs(value)), 0) || 1
  const worst = a.reduce((max, value, i) => Math.max(max, Number.isNaN(value) ? Infinity : Math.abs(value - b[i])), 0)
  return worst / most
}
