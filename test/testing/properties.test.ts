import test from 'ava'
import fc from 'fast-check'
import { type Tensor, tensor } from 'onnsight'
import { closeTo, snapshotOf } from 'onnsight/testing'

/* Compares with NumPy's rule, as its documentation states it, on nested lists. */

const types = ['float32', 'float16', 'float64', 'int64', 'int32', 'uint8', 'bool', 'string'] as const
type Type = (typeof types)[number]

const floats = fc.oneof(
  fc.integer({ min: -4000, max: 4000 }).map(n => n / 997),
  fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, -0, 1e-6, 65504),
)
const element: Record<Type, fc.Arbitrary<number | bigint | boolean | string>> = {
  float32: floats,
  float16: floats,
  float64: floats,
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  int32: fc.integer(),
  uint8: fc.integer({ min: 0, max: 255 }),
  bool: fc.boolean(),
  string: fc.string({ maxLength: 2 }),
}

/** Two tensors with the same dtype and dims. The second one is the first one with small or large changes to some elements. */
const pair = fc
  .record({ type: fc.constantFrom(...types), dims: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }) })
  .chain(({ type, dims }) => {
    const size = dims.reduce((a, b) => a * b, 1)
    const list = fc.array(element[type], { minLength: size, maxLength: size })
    const moves = fc.array(fc.option(fc.constantFrom(1e-7, 5e-6, 1e-4, 0.02), { freq: 2 }), {
      minLength: size,
      maxLength: size,
    })
    return fc.record({
      type: fc.constant(type),
      dims: fc.constant(dims),
      expected: list,
      others: list,
      moves,
      pick: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: size, maxLength: size }),
    })
  })
  .map(({ type, dims, expected, others, moves, pick }) => {
    const actual = expected.map((value, i) => {
      if (pick[i] === 0) return others[i]
      const move = moves[i]
      return type.startsWith('float') && move !== null ? (value as number) * (1 + move) + move : value
    })
    return { dims, actual: tensor(actual, { type, dims }), expected: tensor(expected, { type, dims }) }
  })

const tolerances = fc.record({
  rtol: fc.option(fc.constantFrom(0, 1e-6, 1e-3, 0.5), { nil: undefined }),
  atol: fc.option(fc.constantFrom(0, 1e-6, 1e-3, 2), { nil: undefined }),
})

const defaults: Partial<Record<string, readonly [number, number]>> = {
  float32: [1.3e-6, 1e-5],
  float16: [1e-3, 1e-5],
  float64: [1e-7, 1e-7],
}

type Nested = number | bigint | boolean | string | Nested[]

/** The indices of the elements that are not close, as text. */
function differing(actual: Nested, expected: Nested, rule: Rule, index: readonly number[] = []): string[] {
  if (Array.isArray(actual))
    return actual.flatMap((item, i) => differing(item, (expected as Nested[])[i], rule, [...index, i]))
  return rule(actual, expected as never) ? [] : [`[${index.join(', ')}]`]
}
type Rule = (a: Exclude<Nested, Nested[]>, e: Exclude<Nested, Nested[]>) => boolean

function numpyRule(rtol: number, atol: number, equalNaN: boolean): Rule {
  return (a, e) => {
    if (typeof a === 'string' || typeof a === 'boolean') return a === e
    // tolist() returns bigints only for integers beyond 2^53.
    if (typeof a === 'bigint' || typeof e === 'bigint') {
      const [x, y] = [BigInt(a), BigInt(e as number)]
      const apart = x < y ? y - x : x - y
      return apart <= atol + rtol * Math.abs(Number(y))
    }
    const [x, y] = [a, e as number]
    if (Number.isNaN(x) && Number.isNaN(y)) return equalNaN
    if (!Number.isFinite(x) || !Number.isFinite(y)) return x === y
    return Math.abs(x - y) <= atol + rtol * Math.abs(y)
  }
}

function failure(run: () => void): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

test('closeTo lists exactly the elements that NumPy’s rule finds', t => {
  let failed = 0
  fc.assert(
    fc.property(pair, tolerances, fc.boolean(), ({ actual, expected }, given, equalNaN) => {
      const own = defaults[actual.type] ?? [0, 0]
      const options: typeof given =
        actual.type === 'bool' || actual.type === 'string' ? { rtol: undefined, atol: undefined } : given
      const rule = numpyRule(options.rtol ?? own[0], options.atol ?? own[1], equalNaN)
      const due = differing(actual.tolist(), expected.tolist(), rule)
      const message = failure(() => closeTo(actual, expected, { ...options, equalNaN, most: 100 }))
      const listed = [...(message ?? '').matchAll(/^ {2}(\[[\d, ]*\]) {2,}/gm)].map(row => row[1])
      if (message) failed++
      const count = /: (\d+) of (\d+) element/.exec(message ?? '')
      return (
        JSON.stringify(listed) === JSON.stringify(due) &&
        (due.length === 0 ? message === undefined : Number(count?.[1]) === due.length) &&
        (due.length === 0 || Number(count?.[2]) === actual.size)
      )
    }),
    { numRuns: 1500 },
  )
  t.true(failed > 100, `only ${failed} of the pairs differed`)
})

test('the greatest differences are those that a simple search finds', t => {
  fc.assert(
    fc.property(pair, ({ actual, expected }) => {
      if (!actual.type.startsWith('float')) return true
      const message = failure(() => closeTo(actual, expected, { rtol: 0, atol: 0 })) ?? ''
      const [a, e] = [actual.data, expected.data] as [Float32Array, Float32Array]
      const apart = Array.from(a, (x, i) => Math.abs(x - e[i])).filter(Number.isFinite)
      const relative = Array.from(a, (x, i) => Math.abs(x - e[i]) / Math.abs(e[i])).filter(
        (x, i) => Number.isFinite(x) && Number.isFinite(a[i]) && Number.isFinite(e[i]),
      )
      const told = (name: string) => Number(new RegExp(`greatest ${name} difference (\\S+) at`).exec(message)?.[1] ?? 0)
      const same = (x: number, y: number) => Math.abs(x - y) <= 1e-3 * Math.abs(y)
      return same(told('absolute'), Math.max(0, ...apart)) && same(told('relative'), Math.max(0, ...relative))
    }),
    { numRuns: 500 },
  )
  t.pass()
})

const values = fc.array(
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map(n => n / 997),
  { minLength: 1, maxLength: 200 },
)

test('snapshotOf: all floats are rounded to the same decimal place', t => {
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 6 }), (list, digits) => {
      const made = tensor(list, { type: 'float64' })
      const shown = snapshotOf(made, { digits, most: 1000 }).values as number[]
      const greatest = Math.max(...list.map(Math.abs))
      if (greatest === 0) return true
      const unit = 10 ** (Math.floor(Math.log10(greatest)) - digits + 1)
      return shown.every(
        (value, i) =>
          Math.abs(value - list[i]) <= unit * (0.5 + 1e-6) &&
          Math.abs(value / unit - Math.round(value / unit)) < 1e-6 &&
          !Object.is(value, -0),
      )
    }),
    { numRuns: 500 },
  )
  t.pass()
})

test('snapshotOf: the statistics of a large tensor are those of the textbook formulas', t => {
  fc.assert(
    fc.property(values, list => {
      const { mean, std, min, max, sample } = snapshotOf(tensor(list, { type: 'float64' }), { digits: 9, most: 0 })
      const average = list.reduce((a, b) => a + b, 0) / list.length
      const spread = Math.sqrt(list.reduce((sum, x) => sum + (x - average) ** 2, 0) / list.length)
      const unit = Math.max(...list.map(Math.abs)) * 1e-8
      const near = (a: number | undefined, b: number) => Math.abs((a ?? Number.NaN) - b) <= unit
      return (
        near(mean, average) &&
        near(std, spread) &&
        near(min, Math.min(...list)) &&
        near(max, Math.max(...list)) &&
        sample?.length === Math.min(16, list.length) &&
        near(sample[0] as number, list[0]) &&
        near(sample.at(-1) as number, list.length === 1 ? list[0] : list[list.length - 1])
      )
    }),
    { numRuns: 500 },
  )
  t.pass()
})

test('snapshotOf: noise of a millionth does not change it, except for elements at the edge of a digit', t => {
  const list = Array.from({ length: 60 }, (_, i) => Math.sin(i * 12.9898) * 3)
  const noisy = list.map((x, i) => x + (i % 2 ? 1e-7 : -1e-7))
  const of = (numbers: number[]): Tensor => tensor(numbers)
  t.deepEqual(snapshotOf(of(noisy)), snapshotOf(of(list)))
})
