import { readFileSync } from 'node:fs'
import test from 'ava'
import { load, type Tensor, tensor } from 'onnsight'
import { SparseAutoencoder } from 'onnsight/study'
import { off } from './reference.ts'

// Autoencoders that SAELens itself saved, and its own values (test/reference/make_sae.py).

interface Values {
  readonly features: number[][][]
  readonly decoded: number[][][]
}
const folder = 'test/fixtures/sae'
const { state, ...kinds } = JSON.parse(readFileSync(`${folder}/values.json`, 'utf8')) as {
  readonly state: number[][][]
} & Readonly<Record<string, Values>>
const given = tensor(state)
const model = await load('test/fixtures/models/chars.onnx')
test.after.always(() => model.release())

const computed = async (value: Tensor): Promise<number[][][]> => (await value.value()).tolist() as number[][][]

for (const [name, { features, decoded }] of Object.entries(kinds as unknown as Record<string, Values>))
  test(`${name}: what SAELens saved is encoded, decoded and spliced as SAELens does it`, async t => {
    const sae = await SparseAutoencoder.load(`${folder}/${name}`)
    t.is(sae.config.hookName, 'blocks.1.hook_resid_post')
    const encoded = await sae.encode(given).value()
    const active = (rows: number[][][]): boolean[] => rows.flat(2).map(value => value > 0)
    t.deepEqual(active(encoded.tolist() as number[][][]), active(features))
    t.true(active(features).includes(true) && active(features).includes(false))
    t.true(off(encoded.tolist() as number[][][], features) < 1e-5)
    t.true(off(await computed(sae.decode(tensor(features), given)), decoded) < 1e-5)
    // Inside of the model: what leaves the layer is the reconstruction of what would have left it.
    const inputs = [[18, 47, 56, 57]]
    const plain = await model.trace(inputs, m => m.transformer.h[1].output)
    const spliced = await sae.splice(model).trace(inputs, m => m.transformer.h[1].output)
    const due = await computed(sae.decode(sae.encode(plain), plain))
    t.true(off(spliced.tolist() as number[][][], due) < 1e-5)
    t.true(off(spliced.tolist() as number[][][], plain.tolist() as number[][][]) > 0.1)
  })
