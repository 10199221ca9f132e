import { PREDICATE_METHODS } from '../../../language/predicate-methods.ts'
import { checkedCallback } from '../../tensor/members/tensors-in-javascript.ts'

/** The array methods that lists of layers have. */
const LIST_METHODS: ReadonlySet<string> = new Set(
  'map filter find findIndex findLast forEach some every entries keys values reduce flatMap indexOf includes'.split(
    ' ',
  ),
)

/** An array's method on the layers of a list; undefined for another name. */
export function listMethod(name: string, layers: readonly unknown[]): unknown {
  if (!LIST_METHODS.has(name)) return undefined
  const method = (Array.prototype[name as 'map'] as (...args: unknown[]) => unknown).bind(layers)
  return PREDICATE_METHODS.has(name)
    ? (callback: unknown, ...rest: unknown[]) => method(checkedCallback(callback, name), ...rest)
    : method
}
