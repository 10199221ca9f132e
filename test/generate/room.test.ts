import test from 'ava'
import { load, type OnnsightError } from 'onnsight'

const folder = 'test/fixtures/models'

/** Files with a limited number of positions, which they count in different ways. */
const files: Record<string, number> = {
  'chars.onnx': 128,
  'chars-cache.onnx': 128,
  'verse/onnx/model_q4.onnx': 256,
}

for (const [file, context] of Object.entries(files)) {
  test(`${file}: prompts and new tokens that go beyond the context are refused before the first step, with what fits`, async t => {
    const model = await load(`${folder}/${file}`)
    const prompt = [new Array<number>(context - 2).fill(7)]
    let steps = 0
    const count = () => void steps++
    // The last token is chosen, but no step runs on it.
    const { ids } = await model.generate(prompt, { maxNewTokens: 3 }, count)
    t.is(ids.dims[1], context + 1)
    t.is(steps, 3)
    const error = (await t.throwsAsync(model.generate(prompt, { maxNewTokens: 4 }, count))) as OnnsightError
    t.is(steps, 3)
    t.is(error.code, 'generate')
    t.regex(
      error.message,
      new RegExp(`has ${context - 2} tokens, and maxNewTokens is 4, but the model has only ${context} positions`),
    )
    t.regex(error.fix!, /maxNewTokens: 3/)
  })
}

test('padding takes no position where a model has position_ids', async t => {
  const model = await load(`${folder}/chars-cache.onnx`)
  const rows = [new Array<number>(100).fill(7), [1, 2, 3]]
  const { steps } = await model.generate(rows, { maxNewTokens: 29 })
  t.is(steps, 29)
  await t.throwsAsync(model.generate(rows, { maxNewTokens: 30 }), { message: /maxNewTokens: 29/ })
})
