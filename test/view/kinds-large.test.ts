import test from 'ava'
import { load } from 'onnsight'
import type { Browser } from 'playwright-core'
import { TensorProto_DataType as OnnxType } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { chromiumPath, launch } from '../browser/site.ts'
import { graph, ints, model, node, saved, value } from '../model/hand-graph.ts'
import { Random, stored } from '../names/stored.ts'
import { realFiles } from '../onnx/real-files.ts'
import { run } from './in-chromium.ts'
import { overflow, settled, testPage, textOf, violations } from './page.ts'
import { view } from './viewing.ts'

// Opens models of every kind, and looks at each tab that is there: none is empty, none has an error, and axe finds nothing.

let browser!: Browser
test.before(async t => {
  if (!chromiumPath) return t.log('Skipped: no Chromium here; apt-get install chromium, or set CHROMIUM.')
  browser = await launch()
})
test.after.always(async () => browser?.close())

const random = new Random(11)

/** A perceptron in float64. */
const doubles = saved(
  model(
    graph({
      nodes: [
        node('MatMul', ['x', 'weight'], ['product'], {}, '/first/MatMul'),
        node('Tanh', ['product'], ['y'], {}, '/act/Tanh'),
      ],
      inputs: [value('x', OnnxType.DOUBLE, ['batch', 6])],
      outputs: ['y'],
      initializers: [
        stored('weight', [6, 4], new Uint8Array(Float64Array.from(random.floats(24)).buffer), OnnxType.DOUBLE),
      ],
    }),
  ),
)

/** The first layers of an encoder of sound: a spectrogram, as Whisper takes it. */
const sound = saved(
  model(
    graph({
      nodes: [
        node('Conv', ['input_features', 'kernel'], ['frames'], { pads: [1, 1], strides: [2] }, '/conv1/Conv'),
        node('Relu', ['frames'], ['active'], {}, '/conv1/Relu'),
        node('Transpose', ['active'], ['last_hidden_state'], { perm: [0, 2, 1] }, '/layers.0/Transpose'),
      ],
      inputs: [value('input_features', OnnxType.FLOAT, ['batch', 8, 40])],
      outputs: ['last_hidden_state'],
      initializers: [stored('kernel', [16, 8, 3], random.floats(384))],
    }),
  ),
)

/** A detector of voices whose modules lie in the branches of an If. */
const SILERO = realFiles.find(path => path.endsWith('silero_vad_v5.onnx'))!
const T5 = 'test/fixtures/kinds/t5.onnx'
const WHISPER = 'test/fixtures/kinds/whisper.onnx'

/** What is opened, and what its overview says that it is. */
const kinds: readonly (readonly [name: string, path: string, kind: string])[] = [
  ['a decoder with a cache and a tokenizer', 'test/fixtures/models/verse', 'language model'],
  [
    'a decoder in 4 bits, fused by onnxruntime-genai',
    'test/fixtures/exported/llama/genai-int4/model.onnx',
    'language model',
  ],
  ['a decoder in float16 without texts', 'test/fixtures/models/chars-fp16.onnx', 'language model'],
  ['a decoder in 8 bits', 'test/fixtures/models/verse/onnx/model_int8.onnx', 'language model'],
  ['an encoder with fused operators', 'test/fixtures/exported/bert/classic+optimizer/model.onnx', 'encoder of text'],
  ['the decoder of a pair', 'test/fixtures/encoder-decoder/decoder.onnx', 'decoder that reads an encoder'],
  ['an encoder and a decoder in one file', 'test/fixtures/encoder-decoder/whole.onnx', 'encoder of text and decoder'],
  ['a T5', T5, 'encoder of text and decoder'],
  ['a Whisper', WHISPER, 'encoder of sound and decoder of text'],
  ['images', 'test/fixtures/names/resnet.onnx', 'model of images'],
  ['a detector in 8 bits', 'test/fixtures/exported/yolo/classic+qoperator/model.onnx', 'model of images'],
  ['a transformer of images, with windows', 'test/fixtures/gradients/swin.onnx', 'model of images'],
  ['functions of ONNX', 'test/fixtures/functions/functions.onnx', 'model of tensors'],
  ['numbers in float64', doubles, 'model of tensors'],
  ['a spectrogram', sound, 'model of sound'],
  ['sequences', 'test/fixtures/edges/v_seq_long.onnx', 'model of tensors'],
  ['modules in branches', SILERO, 'model of tensors'],
]

for (const [name, path, kind] of kinds)
  run(`no tab is empty: ${name}`, async t => {
    t.timeout(120_000)
    const own = await view([path])
    t.teardown(() => own.end('SIGKILL'))
    await testPage(t, browser, { url: own.url, scheme: 'light' }, async page => {
      await page.locator('.facts').waitFor()
      const found = await textOf(page.locator('.facts'))
      t.true(found.includes(kind), found)
      t.false(/\b0 in 0 B/.test(found), found)
      const tabs = await page.getByRole('tab').allTextContents()
      for (const tab of tabs) {
        await page.getByRole('tab', { name: tab }).click()
        await page.waitForTimeout(60)
        await settled(page)
        await page.waitForTimeout(60)
        await settled(page)
        const panel = page.locator('[role=tabpanel]:not([hidden])')
        t.deepEqual(await page.locator('.problem').allTextContents(), [], tab)
        // This tab waits for what the user asks for.
        if (tab !== 'Edit') t.deepEqual(await panel.locator('.empty').allTextContents(), [], tab)
        t.true((await textOf(panel)).length > 40, tab)
        t.deepEqual(await overflow(page), [0, 0], tab)
        t.deepEqual(await violations(page), [], tab)
      }
    })
  })

/** A model of images whose reshape fits no image, whatever sizes the page tries. */
const unfitting = saved(
  model(
    graph({
      nodes: [node('Reshape', ['images', 'dims'], ['y'], {}, '/flat/Reshape')],
      inputs: [value('images', OnnxType.FLOAT, ['batch', 3, 'height', 'width'])],
      outputs: ['y'],
      initializers: [ints('dims', [2], [7, 7])],
    }),
  ),
)

run('a model that runs on none of the inputs that the page tries: it says so, and the server answers on', async t => {
  t.timeout(120_000)
  const own = await view([unfitting])
  t.teardown(() => own.end('SIGKILL'))
  await testPage(t, browser, { url: own.url, scheme: 'light' }, async page => {
    await page.locator('.facts').waitFor()
    await settled(page)
    t.regex(await textOf(page.locator('main')), /input/)
    const { status, body } = await own.ask('check', {
      inputs: { images: { generated: 'zeros' } },
      dims: { batch: 1, height: 2, width: 3 },
    })
    t.is(status, 422)
    t.regex(String(body.message), /Reshape/)
  })
})

run('a T5 shows the predictions of its decoder, and names what each head reads', async t => {
  t.timeout(120_000)
  const [own, model] = await Promise.all([view([T5]), load(T5)])
  t.teardown(() => own.end('SIGKILL').then(() => model.release()))
  const [source, started] = [
    [1, 2, 3, 4, 5, 6, 7],
    [9, 3, 11],
  ]
  const logits = await model.run({ input_ids: [source], decoder_input_ids: [started] })
  const best = (await Object.values(logits)[0].select(0, 0).argmax(-1).value()).tolist() as number[]
  const address = `${own.url}#${new URLSearchParams({ tab: 'lens', ids: started.join(','), 'in.input_ids': `json:[[${String(source)}]]` })}`
  await testPage(t, browser, { url: address, scheme: 'light' }, async page => {
    await page.locator('.lens tbody').waitFor()
    const last = page.locator('.lens tbody tr').last().locator('td .code, td b, td')
    const shown = (await last.allTextContents()).join(' ')
    for (const id of best) t.true(shown.includes(String(Number(id))), `${id} in ${shown}`)
    t.is(await page.locator('.lens thead th').count(), 1 + started.length)
    await page.getByRole('tab', { name: 'Attention' }).click()
    await settled(page)
    const names = await page.locator('.heads-name').allTextContents()
    t.deepEqual(names.toSorted(), [
      ...['decoder 0', 'decoder 0 EncDecAttention', 'decoder 1', 'decoder 1 EncDecAttention', 'encoder 0', 'encoder 1'],
    ])
    const queriesOf = async (name: string): Promise<string> => {
      await page.locator(`[data-head="${names.indexOf(name)} 1"]`).click()
      await settled(page)
      return textOf(page.locator('.one-head .hint').first())
    }
    t.regex(await queriesOf('decoder 0'), /The query, token 2 “11”, takes most of token \d “(9|3|11)”/)
    t.regex(await queriesOf('decoder 0 EncDecAttention'), /The query, token 2 “11”, takes most of position [0-6],/)
    t.regex(await queriesOf('encoder 1'), /The query, position 6, takes most of position [0-6],/)
  })
})

run('of a few outermost modules the overview shows those inside, and a single number is shown as one', async t => {
  t.timeout(120_000)
  const own = await view([SILERO])
  t.teardown(() => own.end('SIGKILL'))
  await testPage(t, browser, { url: own.url, scheme: 'dark' }, async page => {
    await page.locator('.stages').waitFor()
    t.deepEqual(await page.locator('.stage-name').allTextContents(), [
      ...['stft', 'encoder.0', 'encoder.1', 'encoder.2', 'encoder.3', 'decoder.decoder'],
    ])
    const [output] = await page
      .locator('td')
      .filter({ hasText: /^0\.\d+$/ })
      .allTextContents()
    await page.getByRole('tab', { name: 'Module' }).click()
    await settled(page)
    t.true(Math.abs(Number(await textOf(page.locator('.is-large dd'))) - Number(output)) < 1e-6)
    t.is(await page.locator('.heat-map').count(), 0)
  })
})
