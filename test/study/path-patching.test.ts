import test from 'ava'
import { load } from 'onnsight'
import { logitDifference, pathPatching } from 'onnsight/study'
import { off, reference } from './reference.ts'

const model = await load('test/fixtures/models/chars.onnx')
test.after.always(() => model.release())
const { clean, corrupted } = reference.prompts
const prompts = { clean: [clean], corrupted: [corrupted], metric: logitDifference(...reference.answers) }

for (const [name, options] of [
  ['logits', {}],
  ['residual', { through: 'nothing' }],
  ['values', { receiver: { layer: 3, head: 2, input: 'value' } }],
  ['queries', { receiver: { layer: 2, head: 1, input: 'query' } }],
] as const)
  test(`paths from each head to ${name} have the effect that PyTorch gives`, async t => {
    for (const batch of [undefined, 3]) {
      const found = await pathPatching(model, { ...prompts, ...options, ...(batch ? { batch } : {}) })
      t.true(off(found.values.tolist(), reference.path[name]) < 2e-5)
      t.true(off(found.base, reference.path.clean) < 2e-5)
    }
  })

test('a receiver that is not there, or has no head before it, is refused', async t => {
  const receive = (layer: number, head: number) =>
    pathPatching(model, { ...prompts, receiver: { layer, head, input: 'key' } })
  await t.throwsAsync(receive(1, 4), { code: 'study', message: /no head 4 in layer 1/ })
  await t.throwsAsync(receive(4, 0), { code: 'study', message: /no head 0 in layer 4/ })
  await t.throwsAsync(receive(0, 0), { code: 'study', message: /no head lies before layer 0/ })
})

test('heads that share keys and values: the receiver’s group is patched; it prints and draws', async t => {
  const verse = await load('test/fixtures/models/verse/onnx/model.onnx')
  const found = await pathPatching(verse, {
    clean: { input_ids: [[5, 17, 40, 2]] },
    corrupted: { input_ids: [[5, 99, 40, 2]] },
    metric: logitDifference(7, 8),
    receiver: { layer: 2, head: 3, input: 'value' },
  })
  t.deepEqual(found.values.dims, [2, 4])
  t.true((found.effects.tolist() as number[][]).flat().some(effect => Math.abs(effect) > 1e-4))
  t.regex(String(found), /from each head to the value of head 3 in layer 2/)
  t.is([...(await found.plot()).svg.matchAll(/<title>layer \d, head \d/g)].length, 8)
  await verse.release()
})
