import { toJson } from '../../cli/outputs/to-json.ts'
import type { Tensor } from '../../runtime/index.ts'

/** A tensor’s values as nested lists of TypeScript. */
export const literalOf = (tensor: Tensor): string => written(toJson(tensor.tolist()), tensor.type === 'string')

function written(value: unknown, isText: boolean): string {
  if (Array.isArray(value)) return `[${value.map(item => written(item, isText)).join(', ')}]`
  if (typeof value !== 'string' || isText) return JSON.stringify(value)
  // Values that JSON can't express are text: NaN, the infinities, and integers beyond 2^53.
  return /^-?\d+$/.test(value) ? `${value}n` : value
}
