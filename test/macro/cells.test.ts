import vm from 'node:vm'
import test, { type ExecutionContext } from 'ava'
import * as onnsight from 'onnsight'
import { compileCell } from 'onnsight/cell'
import * as internal from '#dist/runtime/internal.js'

/** Runs cells as a notebook does: as scripts in one context, in which later ones see the declarations of earlier ones. */
async function notebook(t: ExecutionContext): Promise<(code: string) => Promise<unknown>> {
  const model = await onnsight.load('test/fixtures/models/chars.onnx')
  t.teardown(() => model.release())
  const context = vm.createContext({
    model,
    inputs: [[18, 47, 56, 57]],
    require: (name: string) => (name === 'onnsight' ? onnsight : internal),
  })
  let number = 0
  return async code => vm.runInContext(compileCell(code, { name: `<cell ${++number}>`, typescript: false }), context)
}

const REQUIRE = "const { trace, save, session } = require('onnsight/trace.macro')\n"
const inAsync = (code: string) => `${REQUIRE};(async () => {\n${code}\n})()`
const cell = (code: string) => inAsync(code).replace('const {', 'var {')

test('a block assigns variables that earlier cells declared, by let, var or nothing', async t => {
  const run = await notebook(t)
  await run('let h, count = 1; var list = []; total = 0')
  await run(
    cell(`await trace(model, inputs, () => {
      h = save(model.transformer.h[1].output)
      count += 1
      ;[total] = [count * 10]
      for (list of [[1, 2]]);
      if (h.isfinite().all()) count++
    })`),
  )
  t.deepEqual(await run('JSON.stringify([count, total, list, h.dims])'), '[3,20,[1,2],[1,4,128]]')
  // In an expression alone, and in a trace of a session.
  await run(
    cell(
      'await session(model, async () => { await trace(model, inputs, () => { h = model.lm_head.output; count = 7 }); save(h) })',
    ),
  )
  t.deepEqual(await run('JSON.stringify([count, h.dims])'), '[7,[1,4,65]]')
})

test('where a block of a cell fails, variables of earlier cells are as they were', async t => {
  const run = await notebook(t)
  await run("let value = 'before'")
  await t.throwsAsync(
    run(cell("await trace(model, inputs, () => { value = 1; throw new TypeError('mine') })")) as Promise<unknown>,
    {
      message: 'mine',
    },
  )
  t.is(await run('value'), 'before')
})

test('a constant of an earlier cell can’t be assigned, as everywhere', async t => {
  const run = await notebook(t)
  await run('const fixed = 1')
  await t.throwsAsync(run(cell('await trace(model, inputs, () => { fixed = 2 })')) as Promise<unknown>, {
    message: /Assignment to constant variable/,
  })
  t.is(await run('fixed'), 1)
  t.throws(
    () => compileCell(cell('await trace(model, inputs, () => { own = 2 }); const own = 1'), { typescript: false }),
    {
      message: /own is assigned in a traced block, but it is a constant/,
    },
  )
})

test('an edit assigns no variable of an earlier cell', t => {
  t.throws(
    () =>
      compileCell("const { edit } = require('onnsight/trace.macro')\nedit(model, () => { h = 1 })", {
        typescript: false,
      }),
    {
      message: /An edit runs again in each trace, so it can’t assign h/,
    },
  )
})
