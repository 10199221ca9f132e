/*
 * Test runners give each file a realm with its own Object, Map and Set, so `instanceof` fails for what a block returns there. These
 * functions recognise kinds of objects in a way that works across realms.
 */

/** Whether an object was written with `{}`, or has no prototype. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

export const isMap = (value: object): value is Map<unknown, unknown> => tagOf(value) === '[object Map]'

export const isSet = (value: object): value is Set<unknown> => tagOf(value) === '[object Set]'

const tagOf = (value: object): string => Object.prototype.toString.call(value)
