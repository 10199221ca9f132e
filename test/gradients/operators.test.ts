import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { grad, load, type Tensor, tensor } from 'onnsight'
import { saved } from '../model/hand-graph.ts'
import { near } from '../near.ts'
import { type DimsForm, feedsOf, modelOf, type OperatorCase, toTensor } from './operator-case.ts'

const folder = 'test/fixtures/gradients/operators'
const families = readdirSync(folder).map(file => ({
  family: file.replace('.json', ''),
  cases: JSON.parse(readFileSync(join(folder, file), 'utf8')) as OperatorCase[],
}))

const forms: readonly DimsForm[] = ['known dims', 'named dims']

const isRest = process.env.ONNSIGHT_MANY !== undefined
const seen = new Set<string>()

/** Two cases of each operator in each opset, each in one form; `npm run test:long` tries all the rest. */
function formsOf({ op, opset }: OperatorCase, number: number): readonly DimsForm[] {
  const keys = [`${op} ${opset}`, `${op} ${opset} again`]
  const key = keys.find(each => !seen.has(each))
  if (key) seen.add(key)
  return forms.filter((_, i) => (key !== undefined && i === number % 2) !== isRest)
}

// One after the other: all at once would be hundreds of models in memory.
for (const { family, cases } of families)
  for (const [number, entry] of cases.entries())
    for (const form of formsOf(entry, number))
      test.serial(`${family} ${number}: ${titleOf(entry)}, ${form}`, async t => {
        const path = saved(
          modelOf(entry, form),
          `${family}-${number}-${form === 'known dims' ? 'known' : 'named'}.onnx`,
        )
        const model = await load(path)
        t.teardown(() => model.release())
        const at = Object.keys(entry.gradients)
        const { total, gradients } = await model.trace(feedsOf(entry), m => {
          const parts = entry.weights.flatMap((weights, i) =>
            weights ? [m.tensor(`y${i}`).mul(toTensor(weights)).sum()] : [],
          )
          const total = parts.reduce((a, b) => a.add(b))
          const places = at.map(index => m.tensor(`x${index}`))
          return { total, gradients: grad(total, places) as Tensor[] }
        })
        t.true(near(total, tensor(entry.total), 1e-3), `the operator gives ${total.item()}, and PyTorch ${entry.total}`)
        for (const [i, index] of at.entries()) {
          const { dims } = entry.inputs[Number(index)]!
          const expected = tensor([...entry.gradients[index]], { type: 'float32', dims: [...dims] })
          t.true(
            near(gradients[i], expected, 2e-4),
            `input ${index}: ${JSON.stringify(gradients[i].tolist())}, and by PyTorch ${JSON.stringify(expected.tolist())}`,
          )
        }
      })

function titleOf({ op, opset, about, attributes = {}, inputs }: OperatorCase): string {
  const settings = Object.entries(attributes).map(([name, attribute]) => `${name} ${Object.values(attribute)}`)
  const dims = inputs.map(input => (input ? `[${input.dims}]${input.constant ? ' constant' : ''}` : 'none'))
  return [`${op} of opset ${opset}`, ...settings, dims.join(' '), ...(about ? [about] : [])].join(', ')
}
