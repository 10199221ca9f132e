import type { NestedList, Tensor } from '../../runtime/index.ts'

/** A result as JSON; docs/command-line.md describes it. */
export interface TensorJson {
  readonly type: string
  readonly dims: readonly (number | undefined)[]
  /** Nested arrays, or a single value for rank 0. */
  readonly data: unknown
}

export function jsonOf(tensors: Readonly<Record<string, Tensor>>): Record<string, TensorJson> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      const { type, dims } = tensor
      return [name, { type, dims, data: toJson(tensor.tolist()) }]
    }),
  )
}

/** Converts a value to JSON. Numbers that JSON can't express become text: NaN, the infinities, and integers beyond 2^53. */
export function toJson(value: NestedList): unknown {
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value)
  return value
}
