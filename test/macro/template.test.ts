import test from 'ava'
import { load, type Model } from 'onnsight'
import { trace } from 'onnsight/trace.macro'
import { expand, IMPORT } from './expand.ts'

const inputs = { input_ids: [[18, 47, 56, 57]] }
let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => model?.release())

test('a template in its place runs, and says where it went wrong in the user’s file', async t => {
  const { x, y } = await trace(model, inputs)`
    save x = transformer.h[1].output
    transformer.h[1].output *= ${2}
    save y = transformer.h[1].output
  `
  t.deepEqual(
    Array.from(y.data as Float32Array),
    Array.from(x.data as Float32Array, value => Math.fround(value * 2)),
  )
  const error = (await t.throwsAsync(
    trace(model, inputs, {})`
      save x = transformer.h[1].output * ${3}
      save y = x + transformer.hh[0].output`,
  )) as Error & { at: { file: string; line: number; column: number } }
  t.regex(error.message, /> \d+ \|\s+save y = x \+ transformer\.hh\[0\]\.output/)
  t.is(error.at.column, '      save y = x + transformer'.length + 1)
  t.regex(error.at.file, /test\/macro\/template\.test\.ts$/)
})

test('values in a template may be of the trace around it', async t => {
  const given = await trace(model, inputs, async () => {
    const scale = model.transformer.h[0].output.max().value()
    const { x } = await trace(model, inputs)`save x = transformer.h[0].output / ${(await scale).item()}`
    return x
  })
  t.is(Math.max(...(given.data as Float32Array)), 1)
})

const faults: readonly [body: string, message: RegExp, marked: string, caret: number][] = [
  ['trace(m, i)`\n  save x = h[0\n`', /this \[ is never closed.*add a \]/s, '  save x = h[0', 13],
  ['trace(m, i)`save x = ${1} ${2}`', /line should end/, 'trace(m, i)`save x = ${1} ${2}`', 27],
  ['trace(m, i)`\n  save x = ${1} +\n  y = 2`', /line ends, but a value is expected/, '  save x = ${1} +', 18],
  ['trace()`save x = 1`', /takes a model/, 'trace()`save x = 1`', 1],
  ['trace(m, i, {}, 4)`save x = 1`', /and no more/, 'trace(m, i, {}, 4)`save x = 1`', 1],
  ['trace(m, ...i)`save x = 1`', /can’t be spread/, 'trace(m, ...i)`save x = 1`', 1],
  ['trace(m, () => 1)`save x = 1`', /a function and a template/, 'trace(m, () => 1)`save x = 1`', 10],
]
for (const [body, message, marked, caret] of faults) {
  test(`at build time: ${body.replaceAll('\n', '⏎')}`, t => {
    const error = t.throws(() => expand(`${IMPORT}${body}`)) as Error
    t.regex(error.message, message)
    const lines = error.message.split('\n')
    const at = lines.findIndex(line => line.startsWith('>'))
    t.true(lines[at].endsWith(`| ${marked}`), error.message)
    t.is(lines[at + 1].indexOf('^') - lines[at].indexOf('| ') - 1, caret, error.message)
  })
}
