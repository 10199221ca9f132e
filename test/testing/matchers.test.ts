import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { tensor } from 'onnsight'
import { type CloseToOptions, type Expected, matchers } from 'onnsight/testing'

/** Calls a matcher like expect(…) of Jest and Vitest: with their own `this`, and with the result inverted by `.not`. */
function expect(received: unknown, isNot = false) {
  const context = { isNot, promise: '', equals: Object.is, utils: {} }
  return {
    toBeCloseToTensor(...args: [Expected, CloseToOptions?]): void {
      const { pass, message } = matchers.toBeCloseToTensor.call(context as never, received as never, ...args)
      if (pass === isNot) throw new Error(message())
    },
  }
}

test('close tensors pass, and others fail with the message of closeTo', t => {
  t.notThrows(() => expect(tensor([1, 2])).toBeCloseToTensor([1, 2]))
  t.notThrows(() => expect(tensor([1, 2])).toBeCloseToTensor([1.05, 2], { rtol: 0.1 }))
  t.throws(() => expect(tensor([1, 2])).toBeCloseToTensor([1.05, 2]), {
    message: /1 of 2 elements differs[\s\S]*\[0\] +1 +1\.04999995 +0\.05/,
  })
})

test('with .not, close tensors fail and others pass', t => {
  t.notThrows(() => expect(tensor([1, 2]), true).toBeCloseToTensor([1.05, 2]))
  t.notThrows(() => expect(tensor([1, 2]), true).toBeCloseToTensor([1, 2, 3]))
  t.throws(() => expect(tensor([1, 2]), true).toBeCloseToTensor([1, 2]), {
    message: /are close, but are expected not to be/,
  })
})

test('a tensor without a value throws, also with .not', t => {
  const lazy = tensor([1]).mul(2)
  t.throws(() => expect(lazy).toBeCloseToTensor([2]), { code: 'not-computed' })
  t.throws(() => expect(lazy, true).toBeCloseToTensor([3]), { code: 'not-computed' })
})

/* Types as a project's compiler sees them. `expect` is declared as Jest and Vitest declare it. */

const folder = mkdtempSync('test/testing/.types-')
test.after.always(() => rmSync(folder, { recursive: true }))

async function compile(name: string, code: string): Promise<string> {
  const file = join(folder, `${name}.ts`)
  writeFileSync(file, code)
  const options =
    '--noEmit --pretty false --ignoreConfig --strict --module nodenext --target es2022 --types node'.split(' ')
  return promisify(execFile)('node_modules/.bin/tsc', [...options, file]).then(
    () => '',
    error => (error as { stdout: string }).stdout,
  )
}

const types = `import { type Tensor, tensor } from 'onnsight'
import { closeTo, matchers, snapshotOf, type TensorMatchers, type TensorSnapshot } from 'onnsight/testing'

// Vitest: expect.extend(Record<string, RawMatcherFn>), Assertion<T> extends Matchers<T>.
interface VitestResult { pass: boolean; message: () => string; actual?: unknown; expected?: unknown }
type VitestMatchers = Record<string, (this: { isNot: boolean }, received: any, ...expected: any[]) => VitestResult | Promise<VitestResult>>
// Jest: ExpectExtendMap, ExpectationResult.
interface JestResult { readonly pass: boolean; message(): string }
type JestMatchers = { [key: string]: (this: { isNot?: boolean }, received: any, ...actual: any[]) => JestResult | Promise<JestResult> }
interface Matchers<R> extends TensorMatchers<R> { toBe(expected: unknown): R; not: Matchers<R> }
interface Expect { <T>(value: T): Matchers<void>; extend(all: VitestMatchers): void; extend(all: JestMatchers): void }
declare const expect: Expect
const vitest: VitestMatchers = matchers
const jest: JestMatchers = matchers
expect.extend(matchers)
const t: Tensor = tensor([1])
`

test('correct programs compile', async t => {
  t.is(
    await compile(
      'right',
      `${types}
expect(t).toBeCloseToTensor([1], { rtol: 0.1 })
expect(t).not.toBeCloseToTensor(t)
closeTo(t, [[1, 2n], [true, 3]], { precision: 'bfloat16', equalNaN: true })
closeTo(t, { data: new Float32Array(2), dims: [2] as const })
closeTo(t, new BigInt64Array(1))
const nothing: void = closeTo(t, 'text')
const shown: TensorSnapshot = snapshotOf(t, { digits: 3 })
const dims: readonly number[] = shown.dims
console.log(vitest, jest, nothing, dims)`,
    ),
    '',
  )
})

for (const [line, message] of [
  ['expect(t).toBeCloseToTensor([1], { rtoll: 0.1 })', /'rtoll' does not exist/],
  ['closeTo([1], [1])', /missing the following properties from type 'Tensor'/],
  ["closeTo(t, [1], { precision: 'float' })", /Type '"float"' is not assignable/],
  ['closeTo(t, { data: [1] })', /Property 'dims' is missing|not assignable/],
  ['closeTo(t, undefined)', /not assignable/],
  ["snapshotOf(t, { digits: '3' })", /not assignable to type 'number'/],
  ['const mean: number = snapshotOf(t).mean', /undefined/],
] as const) {
  test(`a wrong program does not compile: ${line}`, async t => {
    t.regex(await compile(`wrong-${line.replace(/\W+/g, '-')}`, `${types}${line}\n`), message)
  })
}
