import test from 'ava'
import fc from 'fast-check'
import { invoke, LanguageModel, load, type Model, type SliceRange, type Tensor } from 'onnsight'
import { many } from '../many.ts'

const folder = 'test/fixtures/models/verse'
const model = await LanguageModel.load(folder)
test.after.always(() => model.release())

const texts = ['ROMEO:\nWhat light is that', 'KING RICHARD III:\nNow']

/** Whether each label on the ids’ axes is the text of its element. */
function labelsAgree(ids: Tensor): boolean {
  const { axes } = ids
  const tokens = axes?.findIndex(({ name }) => name === 'token') ?? -1
  if (!axes || tokens < 0) return false
  const rows = (ids.rank === 2 ? ids.tolist() : [ids.tolist()]) as number[][]
  const { labels, labelsByPrompt } = axes[tokens]
  const labelled = labels ? rows.map(() => labels) : labelsByPrompt
  return rows.every((row, i) => String(row.map(id => model.decode([id]))) === String(labelled?.[i]))
}

test('a part of a labelled tensor is labelled with its own tokens', async t => {
  const bound = fc.option(fc.integer({ min: -9, max: 9 }), { nil: undefined })
  const range = fc.record({ start: bound, stop: bound, step: fc.constantFrom(1, 2, 3, -1, -2) })
  const list = fc.array(fc.integer({ min: -8, max: 7 }), { minLength: 1, maxLength: 5 })
  const rows = fc.oneof(fc.constantFrom(0, 1, -1), fc.constantFrom<SliceRange>({}, { start: 1 }, { step: -1 }))
  await fc.assert(
    fc.asyncProperty(rows, fc.oneof(range, list), async (row, tokens) => {
      const ids = await model.trace(texts, m => m.tensor('input_ids').slice([row, tokens]))
      if (!ids.dims.includes(0)) t.true(labelsAgree(ids), `${JSON.stringify([row, tokens])} ${ids}`)
    }),
    { numRuns: many(60) },
  )
})

test('what an operation computes has no labels, and neither has a model without a tokenizer', async t => {
  const sum = await model.trace(texts[0], m => m.lm_head.output.mean(-1))
  t.is(sum.axes, undefined)
  const plain = await load(`${folder}/onnx/model.onnx`)
  t.is((await plain.run([[1, 2]])).logits.axes, undefined)
  await plain.release()
})

test('axes are found by how dims grow, not by their length', async t => {
  // There are 4 heads, 4 tokens and 4 prompts, so that dims alone do not tell axes.
  const rows = Array.from({ length: 4 }, () => [60, 12, 464, 361])
  const pattern = await model.trace(rows, m => m.model.layers[0].self_attn.ops.Softmax[0].output)
  t.deepEqual(
    pattern.axes?.map(({ name }) => name),
    ['prompt', undefined, 'query', 'key'],
  )
  t.deepEqual(
    pattern.slice('2').axes?.[1].labels,
    rows[2].map(id => model.decode([id])),
  )
})

test('an invoke sees the tokens of its own prompt, without padding', async t => {
  const [first, second] = await model.trace(() => [
    invoke(texts[0], () => model.lm_head.output),
    invoke(texts[1], () => model.lm_head.output),
  ])
  t.is((first as Tensor).axes?.[1].labels?.join(''), texts[0])
  t.is((second as Tensor).axes?.[1].labels?.join(''), texts[1])
})

test('a value prints with its tokens beside its rows, and forced values too', async t => {
  const { print, forced } = await model.trace(texts[0], async m => {
    const rows = m.lm_head.output.slice([0, { stop: 3 }, { stop: 2 }])
    return { print: rows, forced: String(await rows.value()) }
  })
  const [head, ...lines] = String(print).split('\n')
  t.is(head, 'Tensor(float32 [token 3, 2]')
  t.deepEqual(
    lines.map(line => /"(?:[^"\\]|\\.)*"/.exec(line)?.[0]),
    ['"ROMEO"', '":"', '"\\n"'],
  )
  t.is(forced, String(print))
})

test('prompts of one batch print with their own tokens', async t => {
  const ids = await model.trace(texts, m => m.lm_head.output.slice([{}, {}, { stop: 1 }]))
  const printed = String(ids)
  for (const token of ['"ROMEO"', '" that"', '"KING"', '" RICHARD"']) t.true(printed.includes(`${token} `), token)
})

test('in later steps of a generation, keys are labelled with the tokens that the cache stands for', async t => {
  const read = (m: Model) => ({ all: m.model.layers[1].heads.pattern, one: m.model.layers[1].heads[2].pattern })
  const prompts = ['To be or', 'What is']
  const told = (from: unknown) => (from as readonly { all: Tensor; one: Tensor }[]).values()
  const labelsOf = (tensor: Tensor, axis: string) => {
    const found = tensor.axes?.find(({ name }) => name === axis)
    return found?.labelsByPrompt ?? [found?.labels]
  }
  const options = { maxNewTokens: 4, doSample: false } as const
  const first = await model.generate(prompts[0], options, read)
  const [row] = first.ids.tolist() as number[][]
  const length = model.tokens(prompts[0]).length
  const textsOf = (ids: readonly number[]) => ids.map(id => model.decode([id]))
  let step = 0
  for (const { all, one } of told(first.values)) {
    t.deepEqual(
      all.axes?.map(({ name }) => name),
      ['prompt', undefined, 'query', 'key'],
    )
    t.deepEqual(
      one.axes?.map(({ name }) => name),
      ['prompt', 'query', 'key'],
    )
    const seen = textsOf(row.slice(0, length + step))
    for (const tensor of [all, one]) {
      t.deepEqual(labelsOf(tensor, 'key'), [seen])
      t.deepEqual(labelsOf(tensor, 'query'), [step === 0 ? seen : seen.slice(-1)])
    }
    step++
  }
  t.is(step, 4)
  // With two prompts of different lengths, the labels of a row include the padding before it.
  const both = await model.generate(prompts, options, read)
  const last = [...told(both.values)].at(-1)!.all
  const rows = (both.ids.tolist() as number[][]).map(ids => textsOf(ids.slice(0, -1)))
  t.is(last.dims.at(-1), rows[0].length)
  t.deepEqual(labelsOf(last, 'key'), rows)
  // A generation that continues from a cache has the tokens of the cache first.
  const longer = `${prompts[0]}${first.text} and`
  const next = await model.generate(longer, { ...options, cache: first.cache }, read)
  const [start, second] = told(next.values)
  const whole = (next.ids.tolist() as number[][])[0]
  t.deepEqual(labelsOf(start.all, 'key'), [textsOf(whole.slice(0, -4))])
  t.true((start.all.dims[2] as number) < (start.all.dims[3] as number))
  t.deepEqual(labelsOf(second.all, 'key'), [textsOf(whole.slice(0, -3))])
  // Beams change rows. A row has the labels of the row that its beam continues.
  const beams = await model.generate(prompts[0], { maxNewTokens: 3, numBeams: 2 }, read)
  for (const { all } of told(beams.values))
    t.deepEqual(
      labelsOf(all, 'key').map(labels => labels!.length),
      [all.dims[3], all.dims[3]],
    )
})

test('heads have the axes of the graph’s value, in the order in which they are seen', async t => {
  for (const dtype of ['fp32', 'q4'] as const) {
    const other = await LanguageModel.load(folder, { dtype })
    const read = await other.trace(texts[1], m => {
      const { heads } = m.model.layers[0]
      return { z: heads.z, q: heads[1].q, k: heads.k, scores: heads[0].scores, pattern: heads.pattern }
    })
    const tokens = other.tokens(texts[1]).ids.map(id => other.decode([id]))
    const due = {
      z: ['prompt', 'token', undefined, undefined],
      q: ['prompt', 'token', undefined],
      k: ['prompt', 'token', undefined, undefined],
      scores: ['prompt', 'query', 'key'],
      pattern: ['prompt', undefined, 'query', 'key'],
    }
    for (const [name, axes] of Object.entries(due)) {
      const found = read[name as keyof typeof read].axes
      t.deepEqual(
        found?.map(one => one.name),
        axes,
        `${dtype} ${name}`,
      )
      for (const { name, labels } of found!)
        if (name === 'token' || name === 'key') t.deepEqual(labels, tokens, `${dtype} ${name}`)
    }
    await other.release()
  }
})
