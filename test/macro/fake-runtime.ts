import { type BlockText, decodeBlockText } from '#dist/language/block-text.js'

/** A runtime of arrays and counters, which suffices to run the macro's output, and to see what that calls. */
export class Fake {
  readonly log: string[] = []
  readonly marks: [number, number][] = []
  pushed: Record<string, unknown> | undefined
  info: BlockText | undefined
}

/** A toy tensor: a number that operators and conditions must not touch directly. */
export class Toy {
  readonly n: number
  constructor(n: number) {
    this.n = n
  }
  [Symbol.toPrimitive](): never {
    throw new Error('A tensor was used as a plain value.')
  }
}

const lift = (value: unknown): number => (value instanceof Toy ? value.n : (value as number))

function operator(name: string, fake: Fake, plain: (a: never, b: never) => unknown) {
  return (a: unknown, b: unknown): unknown => {
    if (!(a instanceof Toy) && !(b instanceof Toy)) return plain(a as never, b as never)
    fake.log.push(name)
    const result = plain(lift(a) as never, lift(b) as never)
    return new Toy(Number(result))
  }
}

type Variables = Record<string, (set?: boolean, value?: unknown) => unknown>

export function runtime(fake: Fake): Record<string, unknown> {
  const context = {
    keep: (_: () => readonly unknown[]): void => {},
    at: (line: number, column: number) => fake.marks.push([line, column]),
    scope: () => 'scope',
    suspend: (scope: unknown, value: unknown) => {
      fake.log.push(`suspend ${scope}`)
      return value
    },
    resume: (scope: unknown, value: unknown) => {
      fake.log.push(`resume ${scope}`)
      return value
    },
    renew: (_scope: unknown, value: unknown) => value,
    isTensor: (value: unknown) => value instanceof Toy,
    truth: async (value: unknown) => {
      fake.log.push('truth')
      return lift(value) !== 0
    },
    truthSync: (value: unknown) => {
      if (value instanceof Toy) throw new Error('can’t wait')
      return Boolean(value)
    },
    scalar: async (value: unknown) => {
      fake.log.push('scalar')
      return lift(value)
    },
    scalarSync: (value: unknown) => {
      if (value instanceof Toy) throw new Error('can’t wait')
      return value
    },
    checkedCallback: (callback: unknown) => callback,
    key: (key: unknown) => key,
    length: (length: unknown) => length,
    add: operator('add', fake, (a, b) => a + b),
    sub: operator('sub', fake, (a, b) => a - b),
    mul: operator('mul', fake, (a, b) => a * b),
    div: operator('div', fake, (a, b) => a / b),
    mod: operator('mod', fake, (a, b) => a % b),
    pow: operator('pow', fake, (a, b) => a ** b),
    neg: (a: unknown) => (a instanceof Toy ? new Toy(-a.n) : -(a as number)),
    lt: operator('lt', fake, (a, b) => a < b),
    le: operator('le', fake, (a, b) => a <= b),
    gt: operator('gt', fake, (a, b) => a > b),
    ge: operator('ge', fake, (a, b) => a >= b),
    eq: operator('eq', fake, (a, b) => a === b),
    ne: operator('ne', fake, (a, b) => a !== b),
    // biome-ignore lint/suspicious/noDoubleEquals: what == means
    looseEq: operator('eq', fake, (a, b) => a == b),
    // biome-ignore lint/suspicious/noDoubleEquals: what != means
    looseNe: operator('ne', fake, (a, b) => a != b),
  }
  return {
    save: (value: unknown) => value,
    stop: () => {
      throw new Error('stop')
    },
    s: (strings: TemplateStringsArray) => strings.join('|'),
    async trace(
      args: unknown[],
      encoded: string,
      body: (context: unknown, ...values: unknown[]) => unknown,
      { frame = {} }: { frame?: Variables } = {},
    ) {
      const info = decodeBlockText(encoded)
      fake.info = info
      const names = info.pulled ?? []
      let kept: (() => readonly unknown[]) | undefined
      const own = {
        ...context,
        keep: (read: () => readonly unknown[]) => {
          kept = read
        },
      }
      const pulled = names.map(name => {
        try {
          return frame[name]()
        } catch {
          return undefined
        }
      })
      const result = await body(own, ...pulled, args[0])
      if (kept) {
        const values = kept()
        fake.pushed = Object.fromEntries(names.map((name, i) => [name, values[i]]))
        for (const [name, value] of Object.entries(fake.pushed)) frame[name](true, value)
      }
      return result
    },
  }
}
