import test from 'ava'
import { load, type Model, type OnnsightError, type Tensor } from 'onnsight'
import { save, session, trace } from 'onnsight/trace.macro'
import { near } from '../near.ts'

const a = { input_ids: [[18, 47, 56, 57]] }
const b = { input_ids: [[1, 2, 3, 4]] }
let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => model?.release())

/** The result of patching with two separate traces. */
async function patched(): Promise<Tensor> {
  let h!: Tensor
  await trace(model, a, () => {
    h = save(model.transformer.h[1].output)
  })
  return trace(model, b, () => {
    model.transformer.h[1].output = h
    return model.lm_head.output
  })
}

test('values flow from trace to trace without save; what is returned outlives the session', async t => {
  const logits = await session(model, async () => {
    let h!: Tensor
    await trace(model, a, () => {
      h = model.transformer.h[1].output
    })
    t.true(h.computed)
    return trace(model, b, () => {
      model.transformer.h[1].output = h
      return model.lm_head.output
    })
  })
  t.true(near(logits, await patched()))
  t.false(near(logits, await trace(model, b, () => model.lm_head.output)))
})

test('outer variables are pushed when the session ends; tensors keep their value only if they were saved', async t => {
  let kept!: Tensor
  let saved!: Tensor
  let lost!: Tensor
  let count = 0
  await session(model, async () => {
    await trace(model, a, () => {
      kept = save(model.transformer.h[0].output)
      saved = model.transformer.h[1].output
      lost = model.transformer.h[2].output
      count = 3
    })
    t.is(lost.data.length, 512)
    save(saved)
  })
  t.is(count, 3)
  t.is(kept.data.length, 512)
  t.is(saved.data.length, 512)
  const error = t.throws(() => lost.data) as OnnsightError
  t.is(error.code, 'not-saved')
})

test('if a session fails, outer variables are as they were, though inner traces had ended', async t => {
  let value: unknown = 'before'
  await t.throwsAsync(
    session(model, async () => {
      await trace(model, a, () => {
        value = 'in the trace'
      })
      throw new TypeError('mine')
    }),
    { instanceOf: TypeError },
  )
  t.is(value, 'before')
})

test('the plain function does the same, and sessions run side by side', async t => {
  const expected = await patched()
  const one = () =>
    model.session(async m => {
      let h!: Tensor
      await m.trace(a, inner => {
        h = save(inner.transformer.h[1].output)
      })
      return m.trace(b, inner => {
        inner.transformer.h[1].output = h
        return inner.lm_head.output
      })
    })
  for (const logits of await Promise.all(Array.from({ length: 6 }, one))) t.true(near(logits, expected))
})

test('a module touched in a session, outside its traces, says where it belongs', async t => {
  const error = (await t.throwsAsync(session(model, async () => model.lm_head.output))) as OnnsightError
  t.is(error.code, 'outside-trace')
})

test('a session in a loop: each pass sees what the last one left', async t => {
  const [first, second] = await session(model, async () => {
    let h!: Tensor
    const all: Tensor[] = []
    for (let i = 0; i < 2; i++) {
      await trace(model, a, () => {
        if (i > 0) model.transformer.h[0].output = h
        h = model.transformer.h[0].output.mul(2)
        all.push(save(model.lm_head.output))
      })
    }
    return all
  })
  const expected = await trace(model, a, () => {
    model.transformer.h[0].output = model.transformer.h[0].output.mul(2)
    return model.lm_head.output
  })
  t.true(near(second, expected))
  t.false(near(first, second))
})
