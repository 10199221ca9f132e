import type { NestedList, Tensor } from '../../runtime/index.ts'

/** A result as JSON: docs/command-line.md describes it. */
export interface TensorJson {
  readonly type: string
  readonly dims: readonly (number | undefined)[]
  /** Nested arrays; a plain one for rank 0. */
  readonly data: unknown
}

export function jsonOf(tensors: Readonly<Record<string, Tensor>>): Record<string, TensorJson> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      const { type, dims } = tensor
      return [name, { type, dims, data: plain(tensor.tolist()) }]
    }),
  )
}

/** Numbers that JSON lacks stand as text: NaN, the infinities, integers beyond 2^53. JSON.stringify would make null of them. */
export function plain(value: NestedList): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value)
  return value
}
