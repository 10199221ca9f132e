import test from 'ava'
import { load, type Model, tensor } from 'onnsight'
import { compileCell } from 'onnsight/cell'
import { currentRecorder } from '#dist/runtime/graph/recorder.js'
import * as internal from '#dist/runtime/internal.js'
import { programs } from './programs.ts'

let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => model?.release())

const inputs = [[1, 2]]

const isTracing = (): boolean => currentRecorder()?.finished === false

type Log = (...values: unknown[]) => void

/** Runs a program with the functions that it uses. Returns all that it logged, and the error that ended it, if any. */
async function heard(body: string, scope: Record<string, unknown>): Promise<unknown[]> {
  const found: unknown[] = []
  const log: Log = (...values) => {
    found.push(values.map(shown).join(' '))
  }
  const all = { ...scope, log }
  try {
    const main = new Function(...Object.keys(all), `'use strict'\n${body}\nreturn main()`)
    await main(...Object.values(all))
  } catch (error) {
    found.push(`ended by ${error}`)
  }
  return found
}

const shown = (value: unknown): string =>
  JSON.stringify(value, (_, part) =>
    typeof part === 'bigint'
      ? `${part}n`
      : typeof part === 'function'
        ? 'function'
        : part === undefined
          ? 'undefined'
          : Object.is(part, -0)
            ? '-0'
            : part,
  )

const wrap = (body: string): string => `async function main() {${body}\n}`

for (const [name, body] of Object.entries(programs))
  test(`JavaScript’s own meaning: ${name}`, async t => {
    const plain = await heard(wrap(body), {
      trace: async (m: unknown, _: unknown, f: (m: unknown) => unknown) => f(m),
      m: {},
      x: inputs,
      yes: () => true,
      no: () => false,
      num: (n: number) => n,
    })
    t.false(
      plain.some(entry => String(entry).startsWith('ended by')),
      String(plain),
    )
    t.true(plain.length > 0)
    const code = compileCell(`const { trace } = require('onnsight/trace.macro')\n${wrap(body)}`, { typescript: false })
    const traced = await heard(code, {
      require: () => internal,
      m: model,
      x: inputs,
      // In a trace this is a value of the model; outside of one, it is computed by itself.
      yes: () => (isTracing() ? model.transformer.h[0].output.isfinite().all() : tensor([1]).gt(0).all()),
      no: () => (isTracing() ? model.transformer.h[0].output.gt(1e9).any() : tensor([1]).lt(0).all()),
      num: (n: number) => tensor(n),
    })
    t.deepEqual(traced, plain)
  })
