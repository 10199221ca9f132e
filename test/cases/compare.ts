import type { Tensor } from 'onnsight'

/** Why a value is not the one expected, or undefined. Integers and bools must be equal; `tolerance` is relative to the largest expected. */
export function difference(got: Tensor, expected: Tensor, tolerance: number): string | undefined {
  if (got.dims.join() !== expected.dims.join()) return `dims [${got.dims}], expected [${expected.dims}]`
  const [a, b] = [
    Array.from(got.data as ArrayLike<number | bigint>, Number),
    Array.from(expected.data as ArrayLike<number | bigint>, Number),
  ]
  const isExact = !expected.type.includes('float')
  const most = b.reduce((max, value) => Math.max(max, Math.abs(value)), 0) || 1
  let worst = 0
  for (let i = 0; i < a.length; i++)
    worst = Math.max(worst, Number.isNaN(a[i]) ? Number.POSITIVE_INFINITY : Math.abs(a[i] - b[i]))
  if (isExact ? worst === 0 : worst <= tolerance * most) return undefined
  return `off by ${worst.toPrecision(3)}, allowed ${isExact ? 0 : (tolerance * most).toPrecision(3)}`
}
