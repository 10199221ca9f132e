import { toJson } from '../../cli/outputs/to-json.ts'
import type { Tensor } from '../../runtime/index.ts'

/** A tensor’s values as nested arrays in TypeScript. */
export const literalOf = (tensor: Tensor): string => literal(toJson(tensor.tolist()), tensor.type === 'string')

function literal(value: unknown, isText: boolean): string {
  if (Array.isArray(value)) return `[${value.map(item => literal(item, isText)).join(', ')}]`
  if (typeof value !== 'string' || isText) return JSON.stringify(value)
  // Values that JSON can't express are text: NaN, the infinities, and integers beyond 2^53.
  return /^-?\d+$/.test(value) ? `${value}n` : value
}
