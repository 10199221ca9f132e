import type { Tensor } from 'onnsight'

/** Whether two tensors are equal up to rounding, which differs because other blocks sum in another order. */
export function near(got: Tensor | undefined, expected: Tensor | undefined, tolerance = 1e-4): boolean {
  if (!got || !expected || String(got.dims) !== String(expected.dims)) return false
  const [a, b] = [got.data, expected.data] as [ArrayLike<number>, ArrayLike<number>]
  return Array.from(a).every((value, i) => {
    const [got, due] = [Number(value), Number(b[i])]
    return Object.is(got, due) || got === due || Math.abs(got - due) <= tolerance * (1 + Math.abs(due))
  })
}
