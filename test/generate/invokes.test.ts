import test from 'ava'
import { LanguageModel, load, type Model, type OnnsightError, type Tensor } from 'onnsight'
import { edit, generate, invoke, iter, next, s, stop } from 'onnsight/trace.macro'
import { near } from '../near.ts'

let model!: LanguageModel
test.before(async () => {
  model = await LanguageModel.load('test/fixtures/models/verse')
})
test.after.always(async () => model?.release())

const rows = (ids: Tensor): number[][] => (ids.tolist() as bigint[][]).map(row => row.map(Number))
const LONG = 'KING HENRY VI:\nO God! methinks'
const SHORT = 'ROMEO:'
const OPTIONS = { maxNewTokens: 10, eosTokenId: [] as number[] }

const scale = (m: Model): void => {
  m.model.layers[1].mlp.output = m.model.layers[1].mlp.output.mul(-2)
}
const read = (m: Model) => ({
  pattern: m.model.layers[2].self_attn.ops.Softmax[0].output,
  logits: m.lm_head.output,
})

/** Generates from a single prompt with the same block. */
const alone = (prompt: string, isScaled: boolean, options: object = OPTIONS) =>
  model.generate(prompt, options, m => {
    if (isScaled) scale(m)
    return read(m)
  })

test('each prompt has its own block, and goes on as it does alone; it sees its own rows without padding', async t => {
  for (const [first, second] of [
    [LONG, SHORT],
    [SHORT, LONG],
    [LONG, LONG],
  ]) {
    const { text, values } = await generate(model, null, OPTIONS, m => [
      invoke(first, () => read(m)),
      invoke(second, () => {
        scale(m)
        return read(m)
      }),
    ])
    const due = [await alone(first, false), await alone(second, true)]
    t.deepEqual(
      text,
      due.map(one => one.text),
    )
    t.not(text[1], (await alone(second, false)).text)
    for (const [step, both] of values.entries())
      for (const [i, got] of both.entries()) {
        const { pattern, logits } = due[i].values[step]
        t.deepEqual(got.pattern.dims, pattern.dims)
        t.true(near(got.pattern, pattern, 1e-3) && near(got.logits, logits, 1e-3), `step ${step}, prompt ${i}`)
      }
  }
})

test('values flow from one prompt to the other in each step, and from step to step; iter collects', async t => {
  let collected!: Tensor[]
  const { text, values } = await generate(model, null, OPTIONS, (m, step) => {
    let h!: Tensor
    return [
      invoke(SHORT, () => {
        h = m.model.layers[1].output
      }),
      invoke('JULIET:', () => {
        m.model.layers[1].output = h
        collected = iter(s`1:4`, () => m.lm_head.output)
        return step
      }),
      invoke(() => m.lm_head.output.dims[0]),
    ]
  })
  t.deepEqual(text[1], text[0])
  t.deepEqual(
    values.map(([, step, all]) => [step, all]),
    Array.from({ length: 10 }, (_, step) => [step, 2]),
  )
  t.is(collected.length, 3)
  t.deepEqual(collected[0].dims, [1, 1, 1024])
})

test('several sequences, prompts with several rows and standing edits keep their rows', async t => {
  const edited = edit(model, m => {
    m.model.layers[0].mlp.output = m.model.layers[0].mlp.output.mul(1.5)
  })
  const drawn = { ...OPTIONS, temperature: 1, seed: 5, numSequences: 2 }
  const both = await generate(edited, null, drawn, () => [
    invoke([SHORT, LONG], () => edited.model.layers[1].output.dims),
    invoke(LONG, () => edited.model.layers[1].output.dims),
  ])
  const due = await edited.generate([SHORT, LONG, LONG], drawn)
  t.deepEqual(rows(both.ids), rows(due.ids))
  t.deepEqual(both.text, due.text as readonly string[])
  const width = model.tokenizer.encode(LONG).ids.length
  t.deepEqual(
    both.values[0].map(dims => [...dims]),
    [
      [4, width, 128],
      [2, width, 128],
    ],
  )
})

test('stop() in an invoke ends the generation with its step', async t => {
  const { steps, finishReason } = await generate(model, null, OPTIONS, (_, step) => {
    invoke(SHORT, () => {
      if (step === 3) stop()
    })
    invoke(LONG, () => undefined)
  })
  t.deepEqual([steps, finishReason], [4, ['stop', 'stop']])
})

test('what can’t be done is refused', async t => {
  const wrong: [Promise<unknown>, string, RegExp][] = [
    [generate(model, null, OPTIONS, () => undefined), 'input', /No inputs were given/],
    [
      generate(model, null, OPTIONS, (_, step) => {
        invoke(SHORT, () => undefined)
        if (step === 1) invoke(LONG, () => undefined)
      }),
      'invoke',
      /first step called 1 invokes, and a later one 2/,
    ],
    [
      generate(model, null, OPTIONS, async () => {
        await invoke(SHORT, () => undefined)
        invoke(LONG, () => undefined)
      }),
      'invoke',
      /all invokes of a step run together/,
    ],
    [
      generate(model, null, OPTIONS, () => {
        invoke({ input_ids: [[860]], attention_mask: [[1]] }, () => undefined)
      }),
      'generate',
      /an invoke has its prompts alone, and this one has attention_mask too/,
    ],
    [
      generate(model, null, OPTIONS, () => {
        invoke(SHORT, () => undefined)
        next()
      }),
      'step',
      /next\(\) was called in a generation whose block calls invokes/,
    ],
    [
      generate(model, SHORT, OPTIONS, () => {
        invoke(LONG, () => undefined)
      }),
      'invoke',
      /Pass inputs either to/,
    ],
  ]
  for (const [generation, code, message] of wrong) {
    const error = (await t.throwsAsync(generation)) as OnnsightError
    t.is(error.code, code, error.message)
    t.regex(error.message, message)
  }
  const mixed = await load('test/fixtures/models/verse/onnx/model_int8.onnx')
  const error = (await t.throwsAsync(
    generate(mixed, null, OPTIONS, () => {
      invoke([[860, 60]], () => undefined)
      invoke([[674, 422]], () => undefined)
    }),
  )) as OnnsightError
  t.regex(error.message, /rows of a batch affect each other/)
  await mixed.release()
})
