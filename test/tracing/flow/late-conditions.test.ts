import test from 'ava'
import { load, type Model, type Tensor } from 'onnsight'
import { all, assert, generate, invoke, iter, print, save, scan, trace } from 'onnsight/trace.macro'
import { near } from '../../near.ts'

const a = { input_ids: [[18, 47, 56, 57]] }
const b = { input_ids: [[1, 2, 3, 4]] }
let model!: Model
let read!: { a: Tensor; b: Tensor; zeroed: Tensor }
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
  const zeroed = await model.trace(b, m => {
    m.transformer.h[2].mlp.output = 0
    return m.lm_head.output
  })
  read = {
    a: await model.trace(a, m => m.lm_head.output),
    b: await model.trace(b, m => m.lm_head.output),
    zeroed,
  }
  if (near(read.b, zeroed)) throw new Error('The edit moves nothing.')
})
test.after.always(async () => model?.release())

test('conditions in the block of an invoke need no async', async t => {
  const hot = (m: Model): Tensor => m.transformer.h[1].output.isfinite().all()
  const cold = (m: Model): Tensor => m.transformer.h[1].output.gt(1e9).any()
  const zero = () => {
    model.transformer.h[2].mlp.output = 0
    return true
  }
  const forms = await trace(model, () => [
    invoke(a, () => model.lm_head.output),
    invoke(b, () => {
      if (hot(model)) zero()
      return model.lm_head.output
    }),
    invoke(b, () => (hot(model) && zero() ? model.lm_head.output : undefined)),
    invoke(b, () => {
      cold(model) || zero()
      return model.lm_head.output
    }),
    invoke(b, () => {
      let n = 0
      while (hot(model) && n < 1) n++
      if (!cold(model) && n === 1) zero()
      return model.lm_head.output
    }),
    invoke(b, () => {
      const seen: number[] = []
      for (const i of [0, 1]) if (hot(model)) seen.push(i)
      try {
        if (cold(model)) throw new Error('cold')
      } finally {
        if (seen.length === 2) zero()
      }
      assert(hot(model))
      return model.lm_head.output
    }),
  ])
  t.is(forms.length, 6)
  t.true(near(forms[0], read.a))
  for (const logits of forms.slice(1)) t.true(near(logits as Tensor, read.zeroed))
})

test('conditions in the block of an invoke, in a trace of a generation’s step', async t => {
  const { values } = await generate(model, a, { maxNewTokens: 2 }, async () => {
    const [logits] = await trace(model, () => [
      invoke(b, () => {
        if (model.transformer.h[0].output.isfinite().all()) model.transformer.h[2].mlp.output = 0
        return model.lm_head.output
      }),
    ])
    return logits
  })
  for (const logits of values) t.true(near(logits, read.zeroed))
})

test('conditions, print and assert in the blocks of iter and all need no async, and give arrays', async t => {
  const shown: unknown[] = []
  const log = console.log
  console.log = (...values: unknown[]) => shown.push(values)
  let some!: number[]
  let each!: string[]
  let plain!: number[]
  const { values } = await generate(model, a, { maxNewTokens: 3 }, (m, step) => {
    some = iter([0, 2], () => (m.transformer.h[1].output.isfinite().all() ? step : -1))
    each = all(() => {
      if (m.transformer.h[1].output.gt(1e9).any()) return 'hot'
      assert(m.transformer.h[0].output.isfinite())
      return `cold ${step}`
    })
    iter(1, () => {
      print('step', m.transformer.h[0].output.max())
    })
    plain = iter([1], () => step)
    return [some.length, each.length]
  })
  console.log = log
  t.deepEqual(some, [0, 2])
  t.deepEqual(each, ['cold 0', 'cold 1', 'cold 2'])
  t.deepEqual(plain, [1])
  t.is(shown.length, 1)
  t.deepEqual(values[2], [2, 3])
})

test('in a function that can’t wait, iter gives its array at once as before', async t => {
  const { values } = await generate(model, a, { maxNewTokens: 2 }, (_m, step) => {
    const gather = (): number[] => iter([0, 1], () => (step > 0 ? 1 : 2))
    return gather().length
  })
  t.deepEqual(values, [2, 2])
})

test('conditions in an invoke that saves, and in a scan', async t => {
  let kept!: Tensor
  await trace(model, () => {
    invoke(b, () => {
      if (model.transformer.h[1].output.isfinite().all()) kept = save(model.transformer.h[1].output)
    })
  })
  t.true(near(kept, await model.trace(b, m => m.transformer.h[1].output)))
  await t.throwsAsync(
    scan(model, () => {
      invoke(b, () => {
        if (model.transformer.h[1].output.isfinite().all()) kept = model.lm_head.output
      })
    }),
    { code: 'scanned' },
  )
})
