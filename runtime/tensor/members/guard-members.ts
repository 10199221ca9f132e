import { refuseSurplus } from '../arguments/check-arguments.ts'
import { isReadByTools, valueForTools } from './names-tools-read.ts'

/** Makes the errors for members of a class that do not exist, and for assignments. */
export interface Guards<Self extends object> {
  isOwn(self: unknown): self is Self
  read(self: Self, name: string): Error
  write(self: Self, name: string): Error
  /** The error for a method that is used as a value, without being called: `h.mean + 1`. */
  uncalled(name: string): Error
  /** The methods that refuse more arguments than they declare. */
  readonly counted: readonly string[]
}

/**
 * Makes a class refuse what JavaScript accepts silently: reads of members that do not exist, and all assignments. A proxy behind the
 * prototype sees only names that the prototype does not have, so members of the class cost nothing extra.
 */
export function guardMembers<Self extends object>(
  prototype: object,
  { isOwn, read, write, uncalled, counted }: Guards<Self>,
): void {
  for (const [name, { value, get, set }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name === 'constructor' || set) continue
    const member = counted.includes(name) ? counting(name, value) : value
    if (typeof value === 'function' && name !== 'toString')
      Object.defineProperty(member, Symbol.toPrimitive, {
        value: () => {
          throw uncalled(name)
        },
      })
    Object.defineProperty(prototype, name, {
      get: get ?? (() => member),
      set(this: unknown) {
        if (isOwn(this)) throw write(this, name)
      },
    })
  }
  const behind = new Proxy(
    {},
    {
      get(target, key, self) {
        if (typeof key === 'symbol' || !isOwn(self)) return Reflect.get(target, key, self)
        if (key === 'then' || isReadByTools(key)) return valueForTools(key, target)
        throw read(self, key)
      },
      set(target, key, value, self) {
        if (typeof key === 'symbol' || !isOwn(self)) return Reflect.set(target, key, value, self)
        throw write(self, key)
      },
    },
  )
  Object.setPrototypeOf(prototype, behind)
}

/** Wraps a method so that it refuses more arguments than it declares. */
export function counting<A extends unknown[], R>(
  name: string,
  method: (this: unknown, ...args: A) => R,
  most: number = method.length,
): (this: unknown, ...args: A) => R {
  return function (...args) {
    refuseSurplus(name, most, args.slice(most))
    return method.apply(this, args)
  }
}
