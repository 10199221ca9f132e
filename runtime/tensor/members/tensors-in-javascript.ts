import { ConditionError } from '../../errors/trace.ts'
import { currentPosition } from '../current-position.ts'
import { stateOf, Tensor } from '../tensor.ts'

/*
 * JavaScript converts values silently where no operator stands: the result of a callback, a key, a length. A tensor would convert to
 * something wrong each time.
 */

type Callback = (this: unknown, ...args: unknown[]) => unknown

/**
 * Wraps a callback whose result JavaScript uses as a truth value or as a key.
 * @throws ConditionError, when the callback returns a tensor that is not computed
 */
export function checkedCallback(callback: unknown, name: string): unknown {
  if (typeof callback !== 'function') return callback
  const result: Callback = function (...args) {
    const value = (callback === Boolean && args[0] instanceof Tensor ? args[0] : undefined) as Tensor | undefined
    return verdict(value ?? (callback as Callback).apply(this, args), name)
  }
  return result
}

/**
 * Converts what a callback of the method `name` returned: a computed tensor becomes its only element.
 * @throws ConditionError for a tensor that is not computed
 */
export function verdict(result: unknown, name: string): unknown {
  if (!(result instanceof Tensor)) return result
  if (result.computed) return name === 'groupBy' ? result.item() : Boolean(result.item())
  throw new ConditionError(
    name === 'Boolean'
      ? `Boolean() was called on ${stateOf(result).label} in a function that can't wait for its value: in JavaScript a tensor is always true.`
      : `The callback of ${name} returned a tensor, ${stateOf(result).label}. In JavaScript that is always true, because ${name} can't wait for its value.`,
    'write a loop, in which conditions wait: for (const row of rows) if (row.mean().gt(0)) kept.push(row)',
    currentPosition(),
  )
}

/** Converts a key of an object or a list. @throws ConditionError for a tensor that is not computed, or not a single integer */
export function plainKey(key: unknown): unknown {
  if (!(key instanceof Tensor)) return key
  if (key.computed && /^(u?int\d|string)/.test(key.type) && key.size === 1) return key.item()
  throw new ConditionError(
    `${stateOf(key).label} was used as a key: JavaScript would use the tensor's text.`,
    'pick from a tensor with h.slice(…) or h.indexSelect(…); for a list ask for the number first: list[(await h.value()).item()]',
    currentPosition(),
  )
}

/** Checks the length of a new array. @throws ConditionError for a tensor */
export function plainLength(length: unknown): unknown {
  if (!(length instanceof Tensor)) return length
  throw new ConditionError(
    `new Array() was given ${stateOf(length).label}: JavaScript would make a list that holds the tensor.`,
    'ask for the number first, new Array((await h.value()).item()), or write [h]',
    currentPosition(),
  )
}
