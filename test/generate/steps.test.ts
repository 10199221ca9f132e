import test from 'ava'
import * as fc from 'fast-check'
import { iter as doIn, load, type Model, type OnnsightError, type Tensor } from 'onnsight'
import { all, generate, iter, s, save, trace } from 'onnsight/trace.macro'
import { near } from '../near.ts'

const prompt = [[18, 47, 56, 57]]
let model!: Model
let each!: readonly Tensor[]
test.before(async () => {
  model = await load('test/fixtures/models/chars-cache.onnx')
  each = (await model.generate(prompt, { maxNewTokens: 6 }, m => m.lm_head.output.slice(':, -1'))).values
})
test.after.always(async () => model?.release())

const last = (m: Model): Tensor => m.lm_head.output.slice(':, -1')

test('a list keeps its order, and what is gathered has its values', async t => {
  let gathered!: Tensor[]
  await generate(model, prompt, { maxNewTokens: 4 }, m => {
    gathered = iter([3, 0, 3], () => last(m))
  })
  t.is(gathered.length, 3)
  for (const [i, step] of [3, 0, 3].entries()) t.true(near(gathered[i], each[step]))
  t.false(near(gathered[0], gathered[1]))
})

test('all() has one entry for each step that came; what follows it runs', async t => {
  let after = 0
  const { values } = await generate(model, prompt, { maxNewTokens: 5 }, m => {
    const gathered = all(() => last(m))
    after++
    return gathered
  })
  t.is(after, 5)
  t.is(values[0].length, 5)
  for (const [i, value] of values[0].entries()) t.true(near(value, each[i]))
})

test('ranges choose the steps that slices of an array have', async t => {
  const bound = fc.option(fc.nat(9), { nil: undefined })
  await fc.assert(
    fc.asyncProperty(bound, bound, fc.integer({ min: 1, max: 4 }), async (start, stop, step) => {
      const { values } = await model.generate(prompt, { maxNewTokens: 6 }, (_, now) =>
        doIn(`${start ?? ''}:${stop ?? ''}:${step}`, () => now),
      )
      const due = [0, 1, 2, 3, 4, 5].slice(start, stop).filter((_, i) => i % step === 0)
      t.deepEqual(values[0], due)
    }),
    { numRuns: 12 },
  )
})

test('two on one line, in a loop and in a helper, are apart from each other', async t => {
  const helper = (m: Model, layer: number): Tensor[] => doIn('::2', () => m.transformer.h[layer].output.slice(':, -1'))
  const { values } = await generate(model, prompt, { maxNewTokens: 4 }, (m, step) => {
    const pair = [iter(s`0:2`, () => step), iter(s`2:`, () => step)]
    return { pair, layers: [0, 1, 2].map(layer => helper(m, layer)) }
  })
  const { pair, layers } = values[3]
  t.deepEqual(pair, [
    [0, 1],
    [2, 3],
  ])
  t.deepEqual(
    layers.map(layer => layer.length),
    [2, 2, 2],
  )
  t.false(near(layers[0][1], layers[1][1]))
})

test('an async one waits for what it gathers', async t => {
  const { values } = await generate(model, prompt, { maxNewTokens: 3 }, async m =>
    iter(s`1:`, async () => {
      const most = await last(m).max().value()
      return most.item()
    }),
  )
  t.is(values[2].length, 2)
  const due = await Promise.all([1, 2].map(async i => (await each[i].max().value()).item()))
  for (const [i, value] of values[2].entries()) t.true(Math.abs(Number(value) - Number(due[i])) < 1e-3)
})

test('a write in chosen steps moves those', async t => {
  const { values } = await generate(model, prompt, { maxNewTokens: 3 }, m => {
    iter(1, () => {
      m.transformer.h[3].mlp.output = m.transformer.h[3].mlp.output.mul(1.05)
    })
    return last(m)
  })
  t.deepEqual(
    values.map((value, i) => near(value, each[i], 1e-5)),
    [true, false, true],
  )
})

const raised = async (run: () => unknown): Promise<OnnsightError> => {
  try {
    await run()
  } catch (error) {
    return error as OnnsightError
  }
  throw new Error('Nothing was raised.')
}

test('a step that was named and never came is an error, with the true count', async t => {
  let outer = 'before'
  const error = await raised(() =>
    generate(model, prompt, { maxNewTokens: 3 }, m => {
      outer = 'within'
      iter([0, 9], () => last(m))
    }),
  )
  t.is(error.code, 'step')
  t.regex(error.message, /iter\(\) names step 9, but it did not happen: there were 3 steps: 0 to 2\./)
  t.is(error.at?.file, 'test/generate/steps.test.ts')
  t.is(outer, 'before')
})

test('a range that ends early is none', async t => {
  const { values } = await generate(model, prompt, { maxNewTokens: 2 }, m => iter(s`1:20`, () => last(m)))
  t.is(values[1].length, 1)
})

test('one that is not reached in a step that it names is an error', async t => {
  const error = await raised(() =>
    generate(model, prompt, { maxNewTokens: 3 }, (m, step) => {
      if (step > 0) iter(0, () => last(m))
    }),
  )
  t.regex(error.message, /iter\(\) names step 0, but that step did not call it/)
})

test('what is no choice of steps is refused', async t => {
  for (const steps of [-1, [0, -2], ':-1', '::-1', '0, 1', null, 1.5]) {
    const error = await raised(() => model.generate(prompt, { maxNewTokens: 2 }, () => doIn(steps as never, () => 1)))
    t.regex(error.code, /^(step|argument)$/, JSON.stringify(steps))
    t.regex(error.message, /Do this: /)
  }
})

test('outside of generate() they say so', async t => {
  const error = await raised(() => trace(model, prompt, () => iter(0, () => 1)))
  t.is(error.code, 'step')
  const other = await raised(() => doIn(0, () => save(1)))
  t.is(other.code, 'step')
  t.regex(other.message, /iter\(\) was called outside of generate\(\)/)
})
