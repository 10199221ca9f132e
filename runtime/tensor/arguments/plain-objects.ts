/*
 * Test runners give each file a realm of its own, with its own Object, Map and Set: what a block returns there is no instance of ours. So
 * kinds are told by what holds in every realm.
 */

/** Written with `{}`, or without a prototype. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

export const isMap = (value: object): value is Map<unknown, unknown> => tagOf(value) === '[object Map]'

export const isSet = (value: object): value is Set<unknown> => tagOf(value) === '[object Set]'

const tagOf = (value: object): string => Object.prototype.toString.call(value)
