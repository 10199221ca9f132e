import test from 'ava'
import { load, type OnnsightError } from 'onnsight'
import { trace } from 'onnsight/trace.macro'
import { near } from '../../near.ts'
import { a, b, nested } from './functions.ts'

test('a function that is written in a block acts on the trace that it runs in, after its awaits and conditions too', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  const read = { plain: await model.trace(b, m => m.lm_head.output), a: await model.trace(a, m => m.lm_head.output) }
  const doubled = await model.trace(a, m => {
    m.transformer.h[1].output = m.transformer.h[1].output.mul(2)
    return m.lm_head.output
  })
  t.false(near(doubled, read.a))
  const { opened, outer, dims } = await nested(model)
  const wrong = opened.filter(({ logits }) => !near(logits, doubled)).map(({ form, kind }) => `${kind} in ${form}`)
  t.deepEqual(wrong, [])
  t.true(opened.length > 200)
  t.true(near(outer, read.plain))
  t.true(dims.every(found => JSON.stringify(found) === '[1,4,65]'))
  await model.release()
})

test('an error in such a function names the line of the function', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  const error = (await t.throwsAsync(
    trace(model, b, async () => {
      const misfit = async () => {
        await null
        model.transformer.h[1].output = model.transformer.h[1].output.reshape([7]) // misfit
      }
      await trace(model, a, async () => {
        await misfit()
        return model.lm_head.output
      })
    }),
  )) as OnnsightError
  t.is(error.code, 'shape')
  t.regex(error.message, /> \d+ \|.*\/\/ misfit/)
  await model.release()
})
