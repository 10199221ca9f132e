import { readFileSync } from 'node:fs'
import test from 'ava'
import { type Info, load, type Model, type OnnsightError, type Tracer } from 'onnsight'
import { compileCell } from 'onnsight/cell'
import { trace } from 'onnsight/trace.macro'
import { recorderScope } from '#dist/runtime/graph/recorder.js'
import * as internal from '#dist/runtime/internal.js'

// The four places that a block's text can come from.

const inputs = [[18, 47, 56, 57]]
let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => model?.release())

const infoNow = (): Info => (recorderScope().get() as unknown as Tracer).info as Info

test('1: a trace in a trace has the part of the outer text that is its own', async t => {
  const [outer, inner] = await trace(model, inputs, async () => {
    const mine = infoNow()
    const other = await trace(model, inputs, () => {
      const found = infoNow()
      return found
    })
    return [mine, other]
  })
  t.deepEqual([...inner.source], ['const found = infoNow()', 'return found'])
  const at = outer.source.findIndex(line => line.trim() === inner.source[0])
  t.true(at > 0)
  t.is(inner.startLine, outer.startLine + at)
  t.is(inner.filename, outer.filename)
})

test('3: in a file, the text and its line are the file’s', async t => {
  const info = await trace(model, inputs, () => {
    // the first line
    return infoNow()
  })
  t.regex(info.filename, /test\/macro\/capture\.test\.ts$/)
  const lines = readFileSync('test/macro/capture.test.ts', 'utf8').split('\n')
  t.is(lines[info.startLine - 1].trim(), info.source[0].trim())
})

/** Evaluates a cell as a notebook or a console does, which have only its text. */
async function evaluate(code: string): Promise<unknown> {
  const script = code.replace(/var (\w+) = require\("onnsight\/internal"\);/, 'const $1 = internal;')
  const run = new Function('internal', 'model', 'infoNow', `return (async () => {\n${script}\n})()`)
  return run(internal, model, infoNow)
}

for (const [place, name] of [
  ['2: a notebook cell', '<cell 3>'],
  ['4: a line of an interactive console', '<console 7>'],
] as const) {
  test(`${place} is captured from its own text`, async t => {
    const code = compileCell(
      "const { trace } = require('onnsight/trace.macro')\nreturn trace(model, [[1, 2]], () => {\n  const h = model.lm_head.output * 2\n  return [infoNow(), h]\n})",
      { name, typescript: false },
    )
    const [info, h] = (await evaluate(code)) as [Info, { dims: number[] }]
    t.deepEqual([...info.source], ['const h = model.lm_head.output * 2', 'return [infoNow(), h]'])
    t.is(info.filename, name)
    t.is(info.startLine, 3)
    t.deepEqual([...h.dims], [1, 2, 65])
    const failing = compileCell(
      "const { trace } = require('onnsight/trace.macro')\nreturn trace(model, [[1, 2]], () => {\n  return model.lm_haed.output\n})",
      { name, typescript: false },
    )
    const error = (await t.throwsAsync(evaluate(failing) as Promise<unknown>)) as OnnsightError
    t.true(error.message.includes(`${name}:3:3`), error.message)
    t.regex(error.message, /> 3 \|\s+return model\.lm_haed\.output/)
  })
}

test('a cell that can’t be captured says why, with its own lines', t => {
  const error = t.throws(() =>
    compileCell("import { trace } from 'onnsight/trace.macro'\nconst f = () => 1\nawait trace(model, x, f)", {
      name: '<cell 9>',
    }),
  ) as Error
  t.regex(error.message, /must be written inside the call[\s\S]*> 3 \| await trace\(model, x, f\)/)
})
