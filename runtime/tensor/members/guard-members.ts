import { refuseSurplus } from '../arguments/check-arguments.ts'
import { answerTo, isAskedByTools } from './asked-by-tools.ts'

/** What to throw where a member is read that is not there, and where one is assigned. */
export interface Guards<Self extends object> {
  isOwn(self: unknown): self is Self
  read(self: Self, name: string): Error
  write(self: Self, name: string): Error
  /** For a method that stands where its result is meant: `h.mean + 1`. */
  uncalled(name: string): Error
  /** Methods that refuse arguments beyond those that they declare. */
  readonly counted: readonly string[]
}

/**
 * Makes a class refuse what JavaScript takes in silence: reads of members that it does not have, and all assignments. A proxy behind the
 * prototype meets only what the prototype has not, so that its own members cost nothing.
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
        if (key === 'then' || isAskedByTools(key)) return answerTo(key, target)
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

/** A method that refuses arguments beyond those that it declares. */
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
