import { readFileSync } from 'node:fs'
import { copyFile, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import test from 'ava'
import { load, type Tensor, tensor, writeSafetensors } from 'onnsight'
import { loadTunedLens, logitLens } from 'onnsight/study'
import { trace } from 'onnsight/trace.macro'
import { near } from '../near.ts'
import { off, reference, vocabulary } from './reference.ts'

const model = await load('test/fixtures/models/chars.onnx')
const { line } = reference.prompts
test.after.always(() => model.release())

/** A tensor of a lens over one prompt, without its batch. */
const ofPrompt = (values: Tensor): unknown => (values.tolist() as unknown[][]).map(layer => layer[0])

test('the logit lens: probabilities, ranks, divergences and entropies are those of PyTorch', async t => {
  const lens = await logitLens(model, [line], { top: 3 })
  t.deepEqual(
    lens.axes.map(({ name, labels }) => [name, labels.length]),
    [
      ['layer', 5],
      ['prompt', 1],
      ['token', line.length],
    ],
  )
  t.deepEqual(ofPrompt(lens.ids), reference.lens.top)
  t.true(off(ofPrompt(lens.probabilities), reference.lens.probabilities) < 2e-5)
  t.true(off(ofPrompt(lens.answerProbabilities), reference.lens.answer) < 2e-5)
  t.deepEqual(ofPrompt(lens.ranks), reference.lens.ranks)
  t.true(off(ofPrompt(lens.kl), reference.lens.kl) < 2e-5)
  t.true(off(ofPrompt(lens.entropy), reference.lens.entropy) < 2e-5)
})

test('the last row is what the model itself predicts, and an edited model has another', async t => {
  const lens = await logitLens(model, [line], { keepLogits: true })
  const { logits } = await model.run([line])
  t.true(off((lens.logits!.tolist() as number[][][][])[4], logits.tolist() as number[][][]) < 1e-5)
  const edited = model.edit(m => {
    m.transformer.h[1].mlp.output = 0
  })
  const other = await logitLens(edited, [line], { keepLogits: true })
  const [own, of] = [other, lens].map(one => one.logits!.tolist() as number[][][][])
  t.true(off(own.slice(0, 2), of.slice(0, 2)) < 1e-5)
  t.true(off(own[2], of[2]) > 0.1)
})

test('one answer is followed at all positions', async t => {
  const answer = vocabulary.indexOf('d')
  const lens = await logitLens(model, [line], { answer, keepLogits: true })
  const logits = ofPrompt(lens.logits!) as number[][][]
  const shares = logits.map(rows =>
    rows.map(row => Math.exp(row[answer]) / row.reduce((sum, logit) => sum + Math.exp(logit), 0)),
  )
  t.true(off(ofPrompt(lens.answerProbabilities), shares) < 1e-5)
  t.deepEqual(
    ofPrompt(lens.ranks),
    logits.map(rows => rows.map(row => row.filter(logit => logit > row[answer]).length)),
  )
})

test('rows of a batch are the prompts alone', async t => {
  const rows = [line, [...line].reverse()]
  const lens = await logitLens(model, rows)
  for (const [row, ids] of rows.entries()) {
    const alone = await logitLens(model, [ids])
    t.deepEqual(
      (lens.ids.tolist() as unknown[][]).map(layer => layer[row]),
      ofPrompt(alone.ids),
    )
    t.true(
      off(
        (lens.kl.tolist() as unknown[][]).map(layer => layer[row]),
        ofPrompt(alone.kl) as number[][],
      ) < 1e-5,
    )
  }
  t.is(lens.axes[2].labels[3], '3')
})

/** The same translators as in make_studies.py. */
const translators = Object.fromEntries(
  Array.from({ length: 4 }, (_, i) => [
    [
      `${i}.weight`,
      tensor(
        Array.from({ length: 128 }, (_, a) =>
          Array.from({ length: 128 }, (_, b) => 0.02 * Math.sin(7 * a + 3 * b + i)),
        ),
      ),
    ],
    [`${i}.bias`, tensor(Array.from({ length: 128 }, (_, a) => 0.1 * Math.cos(5 * a + i)))],
  ]).flat(),
) as Record<string, Tensor>

test('a tuned lens, from a file as the package stores it and from tensors, is that of PyTorch', async t => {
  const path = join(await mkdtemp(join(tmpdir(), 'onnsight-lens-')), 'lens.safetensors')
  await writeSafetensors(path, translators)
  const prefixed = Object.fromEntries(
    Object.entries(translators).map(([name, one]) => [`layer_translators.${name}`, one]),
  )
  for (const source of [path, prefixed]) {
    const tuned = await loadTunedLens(source)
    const lens = await logitLens(model, [line], { tuned, top: 3 })
    t.true(off(ofPrompt(lens.probabilities), reference.tuned.probabilities) < 2e-5)
    t.true(off(ofPrompt(lens.kl), reference.tuned.kl) < 2e-5)
    t.deepEqual(ofPrompt(lens.ranks), reference.tuned.ranks)
    t.true(String(lens).startsWith('Tuned lens'))
  }
  t.true(off(reference.tuned.kl, reference.lens.kl) > 0.1, 'the translators move the lens')
})

test('a tuned lens is read from .npz files of numpy, by a folder too; a file of torch.save says how to convert it', async t => {
  const stored = 'test/fixtures/npy'
  const folder = await mkdtemp(join(tmpdir(), 'onnsight-npz-'))
  await copyFile(`${stored}/lens.npz`, join(folder, 'params.npz'))
  const state = tensor([[1, 2, 3]])
  for (const source of [`${stored}/lens.npz`, `${stored}/lens-compressed.npz`, folder]) {
    const lens = await loadTunedLens(source)
    t.is(lens.length, 2)
    // h + W h + b, by the numbers of make_npy.py.
    t.deepEqual((await lens.translate(0, state).value()).tolist(), [[6.25, 8, 10.5]])
    t.deepEqual((await lens.translate(1, state).value()).tolist(), [[11.25, 15, 14]])
  }
  for (const file of ['params.pt', 'params-old.pt']) {
    const error = await t.throwsAsync(loadTunedLens(`${stored}/${file}`), { code: 'argument', message: /torch\.save/ })
    t.regex(error.message, /python3 -c "import torch.*save_file\(torch\.load\('.*\.pt'.*\.safetensors'\)"/)
  }
  await writeFile(join(folder, 'half.npz'), (await readFile(`${stored}/lens.npz`)).subarray(0, 700))
  await writeFile(join(folder, 'text.npz'), 'no archive')
  for (const [file, message] of [
    ['half.npz', /not a whole zip archive/],
    ['text.npz', /not a safetensors file/],
    ['absent.npz', /can’t be read/],
  ] as const)
    await t.throwsAsync(loadTunedLens(join(folder, file)), { code: 'invalid-tensors-file', message })
})

test('what is no tuned lens of this model is refused', async t => {
  const { '3.weight': last, '3.bias': bias, ...three } = translators
  const short = await loadTunedLens(three)
  t.is(short.length, 3)
  await t.throwsAsync(logitLens(model, [line], { tuned: short }), {
    code: 'study',
    message: /3 translators, and the model has 4 layers/,
  })
  for (const [wrong, message] of [
    [{ '1.weight': last }, /no tensor 0\.weight/],
    [{ '0.weight': bias }, /0\.weight is \[128\]/],
    [{ ...three, scale: bias }, /a tensor scale/],
    [{}, /empty/],
  ] as const)
    await t.throwsAsync(loadTunedLens(wrong), { code: 'argument', message })
})

for (const name of [
  'chars-scopes',
  'chars-cache',
  'chars-fp16',
  'induction',
  'verse/onnx/model',
  'verse/onnx/model_int8',
  'verse/onnx/model_q4',
])
  test(`the same study on ${name}: each row is the model’s head on that layer`, async t => {
    const other = await load(`test/fixtures/models/${name}.onnx`)
    const ids = [5, 17, 40, 2, 33, 61]
    const lens = await logitLens(other, { input_ids: [ids] }, { keepLogits: true })
    const { logits } = await other.run({ input_ids: [ids] })
    const rows = lens.logits!.tolist() as number[][][][]
    t.deepEqual(rows.at(-1), (await logits.to('float32').value()).tolist())
    const isLlama = name.startsWith('verse')
    const layer = isLlama ? 'model.layers' : 'transformer.h'
    const [first] = await trace(other, { input_ids: [ids] }, () => {
      const state = other.module(`${layer}.0`).output
      const norm = other.module(
        !isLlama ? 'transformer.ln_f' : name.endsWith('q4') ? 'model.layers.4.final_norm_layernorm' : 'model.norm',
      )
      return [other.lm_head(norm(state)).to('float32')]
    })
    t.true(near(tensor(rows[1]), first, name.endsWith('fp16') ? 2e-2 : 1e-4))
    t.notDeepEqual(rows[1], rows[2])
    await other.release()
  })

test('a model without layers or without ids says what is missing', async t => {
  const plain = await load('test/fixtures/models/chars.onnx', { rename: {} })
  await t.throwsAsync(logitLens(plain, [[]]), { code: 'input' })
  await t.throwsAsync(logitLens(plain, [line], { top: 0 }), { code: 'argument', message: /top is 0/ })
  await t.throwsAsync(logitLens(plain, [line], { answer: 65 }), { code: 'argument', message: /answer 65/ })
  await t.throwsAsync(logitLens(plain, [line], { topK: 3 } as never), { code: 'unknown-option' })
  await t.throwsAsync(logitLens({} as never, [line]), { code: 'trace-arguments' })
  await plain.release()
})

test('it prints as a table, and draws the same numbers', async t => {
  const lens = await logitLens(model, [line], { vocabulary })
  const text = String(lens)
  t.is(text.split('\n').length, 1 + 1 + 5 + 1)
  t.regex(text, /^embeddings +W 0\.\d\d/m)
  t.deepEqual(lens.at(-1, 1)[0].token, 'e')
  const plot = await lens.plot()
  t.is([...plot.svg.matchAll(/<title>layer /g)].length, 5 * line.length)
  t.true(plot.svg.includes('<title>layer 3, token n, probability '))
  const { values } = plot.spec.data as { values: { value: number; text: string; y: number; x: number }[] }
  const top = values.find(({ x, y }) => y === 0 && x === 1)!
  t.is(top.text, 'e')
  t.true(Math.abs(top.value - (reference.lens.probabilities as number[][][])[4][1][0]) < 1e-5)
  const shown = await (lens as unknown as Record<symbol, () => Promise<Record<string, string>>>)[
    Symbol.for('Jupyter.display')
  ]()
  // The names of gradients differ from picture to picture, because a page may have several pictures.
  const unnamed = (svg: string): string => svg.replaceAll(/gradient_\d+/g, 'gradient')
  t.deepEqual(Object.keys(shown), ['image/svg+xml', 'text/plain'])
  t.true(unnamed(shown['image/svg+xml']) === unnamed(plot.svg))
  t.is(shown['text/plain'], text)
  t.deepEqual(plot._toMime(), { 'image/svg+xml': plot.svg, 'text/plain': text })
  t.is(inspect(plot), text)
  const folder = await mkdtemp(join(tmpdir(), 'onnsight-plot-'))
  for (const ending of ['svg', 'html', 'json']) await plot.save(join(folder, `lens.${ending}`))
  t.true((await readFile(join(folder, 'lens.svg'), 'utf8')) === plot.svg)
  t.true(readFileSync(join(folder, 'lens.html'), 'utf8').includes(plot.svg))
  t.deepEqual(JSON.parse(readFileSync(join(folder, 'lens.json'), 'utf8')), JSON.parse(JSON.stringify(plot.spec)))
  await t.throwsAsync(plot.save(join(folder, 'lens.png')), { code: 'argument', message: /\.svg, \.html and \.json/ })
})
