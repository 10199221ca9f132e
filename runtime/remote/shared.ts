import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** The most things of which it is known that they were made. */
const MOST = 64

/** What is made once for all who ask for the same, as long as somebody has it. */
export class Shared<T extends object> {
  readonly #made = new LRUCache<string, WeakRef<T>>({ max: MOST })
  readonly #making = new Map<string, Promise<T>>()
  readonly #take: (value: T) => boolean

  /** @param take whether a thing can still be had; called for everyone who gets it */
  constructor(take: (value: T) => boolean = () => true) {
    this.#take = take
  }

  async get(key: string, make: () => Promise<T>): Promise<T> {
    for (;;) {
      const value = this.#made.get(key)?.deref() ?? (await this.#make(key, make))
      if (this.#take(value)) return value
      this.#made.delete(key)
    }
  }

  #make(key: string, make: () => Promise<T>): Promise<T> {
    let making = this.#making.get(key)
    if (!making) {
      making = make()
        .then(value => {
          this.#made.set(key, new WeakRef(value))
          return value
        })
        .finally(() => this.#making.delete(key))
      this.#making.set(key, making)
    }
    return making
  }
}

/** Equal only for equal bytes and equal data. */
export function sharedKey(bytes: Uint8Array, ...data: readonly unknown[]): string {
  return `${createHash('sha256').update(bytes).digest('hex')} ${JSON.stringify(data)}`
}
