import { readFileSync } from 'node:fs'
import test from 'ava'
import { load, type Model, type Tensor, tensor } from 'onnsight'
import { invoke, trace } from 'onnsight/trace.macro'
import { near } from '../near.ts'

// Compares prompts of several lengths in one batch with PyTorch's values for each of them alone: absolute and rotary positions, masks of both kinds.

interface Alone {
  readonly prompt: number[]
  readonly [path: string]: unknown
}

for (const [name, isCausal] of [
  ['rotary', true],
  ['bert', false],
] as const) {
  const reference = JSON.parse(readFileSync(`test/fixtures/batch/${name}.json`, 'utf8')) as Alone[]
  const paths = Object.keys(reference[0]).filter(key => key !== 'prompt' && key !== 'result')

  test(`${name}: batched and padded equals one by one, row for row`, async t => {
    const model = await load(`test/fixtures/batch/${name}.onnx`)
    const read = (m: Model): Record<string, Tensor> => ({
      result: m.tensor('result'),
      ...Object.fromEntries(paths.map(path => [path, m.module(path).output])),
    })
    const { traces } = await model.explain(async () => {
      const all = (await trace(model, () =>
        reference.map(({ prompt }) => invoke({ input_ids: [prompt] }, () => read(model))),
      )) as unknown as Record<string, Tensor>[]
      for (const [i, alone] of reference.entries())
        for (const [key, got] of Object.entries(all[i]))
          t.true(near(got, tensor(alone[key] as number[][][]), 1e-4), `${name} ${JSON.stringify(alone.prompt)} ${key}`)
    })
    t.is(traces.length, 1)
    await model.release()
  })

  test(`${name}: what is written in one prompt moves it, and no other`, async t => {
    const model = await load(`test/fixtures/batch/${name}.onnx`)
    const path = paths.find(found => /\d$/.test(found))!
    const all = (await trace(model, () =>
      reference.map(({ prompt }, i) =>
        invoke({ input_ids: [prompt] }, () => {
          if (i === 1) model.module(path).output = 0
          return model.tensor('result')
        }),
      ),
    )) as unknown as Tensor[]
    for (const [i, { result }] of reference.entries())
      t.is(near(all[i], tensor(result as number[][])), i !== 1, String(i))
    await model.release()
  })

  if (isCausal) {
    test(`${name}: a value of one prompt goes to another of its length`, async t => {
      const model = await load(`test/fixtures/batch/${name}.onnx`)
      const [first, last] = [reference[0], reference[4]]
      let h!: Tensor
      const [, patched] = await trace(model, () => [
        invoke({ input_ids: [first.prompt] }, () => {
          h = model.module('model.layers.0').output
        }),
        invoke({ input_ids: [last.prompt] }, () => {
          model.module('model.layers.0').output = h
          return model.tensor('result')
        }),
      ])
      t.true(near(patched, tensor(first.result as number[][][])))
      t.false(near(patched, tensor(last.result as number[][][])))
      await model.release()
    })
  }
}
