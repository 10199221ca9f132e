import test from 'ava'
import { load, type Model, type OnnsightError, type Tensor } from 'onnsight'
import { save, trace } from 'onnsight/trace.macro'
import { near } from '../near.ts'

const a = { input_ids: [[18, 47, 56, 57]] }
const b = { input_ids: [[1, 2, 3, 4]] }
let model!: Model
let other!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
  other = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => {
  await model?.release()
  await other?.release()
})

test('a trace in a trace: everything flows to the outer one, and what was not saved ends with it', async t => {
  let inside!: Tensor
  let kept!: Tensor
  const logits = await trace(model, b, async () => {
    await trace(model, a, () => {
      inside = model.transformer.h[1].output
      kept = save(model.transformer.h[0].output)
    })
    t.is(inside.data.length, 512)
    model.transformer.h[1].output = inside
    return model.lm_head.output
  })
  t.is(kept.data.length, 512)
  t.is((t.throws(() => inside.data) as OnnsightError).code, 'not-saved')
  const alone = await trace(model, a, () => model.lm_head.output)
  t.true(near(logits, alone))
  t.false(near(logits, await trace(model, b, () => model.lm_head.output)))
})

test('a value of one model goes into another in one block', async t => {
  const logits = await trace(model, b, async () => {
    const { h } = await trace(other, a)`save h = transformer.h[2].output`
    model.transformer.h[2].output = h
    return model.lm_head.output
  })
  t.true(near(logits, await trace(model, a, () => model.lm_head.output)))
})

test('three deep, with save at the innermost and in the middle', async t => {
  let deep!: Tensor
  let middle!: Tensor
  await trace(model, a, async () => {
    await trace(model, b, async () => {
      await trace(model, a, () => {
        deep = save(model.transformer.h[0].output)
        middle = model.transformer.h[1].output
      })
      save(middle)
    })
  })
  t.is(deep.data.length, 512)
  t.is(middle.data.length, 512)
})

test('an inner trace that fails leaves the outer variables as they were', async t => {
  let value: unknown = 'before'
  await t.throwsAsync(
    trace(model, a, async () => {
      await trace(model, a, () => {
        value = 'inner'
        return model.transformer.h[9].output
      })
    }),
  )
  t.is(value, 'before')
})
