import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { LanguageModel, load, readSafetensors, tensor } from 'onnsight'
import { logitDifference, SteeringVector, steeringSweep, steeringVector } from 'onnsight/study'
import * as ort from 'onnxruntime-node'
import { near } from '../near.ts'
import { encode, off, reference, vocabulary } from './reference.ts'

const model = await load('test/fixtures/models/chars.onnx')
test.after.always(() => model.release())
const { positive, negative, sweep: due, ...directions } = reference.steering
const { line } = reference.prompts
const metric = logitDifference(...reference.answers)

for (const [name, options] of [
  ['difference', {}],
  ['mean', { position: 'mean' }],
  ['pca', { method: 'pca' }],
] as const)
  test(`the direction by ${name} is that of PyTorch`, async t => {
    const vector = await steeringVector(model, { positive, negative, layer: 2, ...options })
    t.true(off(vector.direction.tolist(), directions[name]) < 1e-4)
    t.is(vector.layer, 2)
  })

test('steering by the difference of two prompts gives PyTorch’s logits', async t => {
  const stored = await readSafetensors('test/fixtures/reference/study.safetensors')
  const ids = (name: string) => stored[`input:${name}`]
  const vector = await steeringVector(model, { positive: ids('clean'), negative: ids('other'), layer: 1 })
  const { logits } = await vector.apply(model, 1.5).run(ids('line'))
  t.true(off(logits.tolist(), stored['study/contrast-steering:logits'].tolist() as number[][][]) < 2e-4)
  const plain = await model.run(ids('line'))
  t.true(off(plain.logits.tolist(), logits.tolist() as number[][][]) > 0.05)
})

test('a sweep of strengths: metric and perplexity are PyTorch’s, and texts are what the steered model writes', async t => {
  const vector = await steeringVector(model, { positive, negative, layer: 2 })
  const strengths = [-1, 0, 2]
  const sweep = await steeringSweep(model, vector, {
    ...{ strengths, prompts: [line], texts: [line], metric, maxNewTokens: 8, vocabulary },
  })
  t.true(
    off(
      sweep.metric!.tolist(),
      due.map(([moved]) => moved),
    ) < 1e-4,
  )
  t.true(
    off(
      sweep.perplexity!.tolist(),
      due.map(([, perplexity]) => perplexity),
    ) < 1e-4,
  )
  for (const [i, strength] of strengths.entries()) {
    const { ids } = await vector.apply(model, strength).generate([line], { maxNewTokens: 8 })
    t.is(
      sweep.texts[i][0],
      (ids.tolist() as number[][])[0]
        .slice(line.length)
        .map(id => vocabulary[id])
        .join(''),
    )
  }
  t.not(sweep.texts[0][0], sweep.texts[2][0])
  t.regex(String(sweep), /^strength +logit difference +perplexity +continuation$/m)
  t.is([...(await sweep.plot()).svg.matchAll(/<title>/g)].length, 6)
})

test('a saved steered model is a plain file: onnxruntime alone gives the same logits', async t => {
  const vector = await steeringVector(model, { positive, negative, layer: 2 })
  const steered = vector.apply(model, 2)
  const path = join(await mkdtemp(join(tmpdir(), 'onnsight-steered-')), 'steered.onnx')
  await steered.save(path)
  const session = await ort.InferenceSession.create(path)
  const feed = new ort.Tensor('int64', BigInt64Array.from(line, BigInt), [1, line.length])
  const { logits } = await session.run({ input_ids: feed })
  const own = await steered.run([line])
  const bare = await tensor(logits.data as Float32Array)
    .reshape(1, line.length, 65)
    .value()
  t.true(near(bare, own.logits))
  t.false(near(own.logits, (await model.run([line])).logits))
  await session.release()
})

test('texts on a model with a tokenizer, in float16 weights and fused operators too', async t => {
  for (const dtype of ['fp32', 'q4'] as const) {
    const verse = await LanguageModel.load('test/fixtures/models/verse', { dtype })
    const vector = await steeringVector(verse, {
      positive: ['The king is', 'My lord'],
      negative: ['a dog', 'the sea and'],
      layer: 1,
      position: 'mean',
    })
    const sweep = await steeringSweep(verse, vector, { strengths: [0, 4], prompts: 'What is', maxNewTokens: 6 })
    const { text } = await verse.generate('What is', { maxNewTokens: 6 })
    t.is(sweep.texts[0][0], text, dtype)
    t.not(sweep.texts[1][0], text, dtype)
    await verse.release()
  }
})

test('what is wrong is said', async t => {
  const vector = (options: object) => steeringVector(model, { positive, negative, layer: 2, ...options } as never)
  await t.throwsAsync(vector({ layer: 4 }), { code: 'study', message: /no layer 4/ })
  await t.throwsAsync(vector({ method: 'lda' }), { code: 'argument', message: /"lda"/ })
  await t.throwsAsync(vector({ method: 'pca', negative: [encode('a')] }), {
    code: 'study',
    message: /3 positive prompts and 1 negative/,
  })
  const plain = new SteeringVector(2, tensor(new Float32Array(128)))
  await t.throwsAsync(steeringSweep(model, plain, { prompts: [line], strengths: [] }), { code: 'argument' })
})
