import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { load } from 'onnsight'
import type { Page } from 'playwright-core'
import { TensorProto_DataType as OnnxType } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { graph, model, node, saved, value } from '../model/hand-graph.ts'
import { run, start, testsAt } from './in-chromium.ts'
import {
  cellsOf,
  choose,
  floats,
  overflow,
  settled,
  shows,
  statistics,
  statisticsOf,
  testPage,
  textOf,
  violations,
} from './page.ts'
import { view } from './viewing.ts'

// Tests pictures and sound as inputs of the page, on models with a preprocessor_config.json beside them.

const SIDE = 6
const [mean, std] = [
  [0.5, 0.4, 0.3],
  [0.2, 0.25, 0.5],
]
const folder = mkdtempSync(join(tmpdir(), 'onnsight-media-'))
copyFileSync('test/fixtures/names/resnet.onnx', join(folder, 'model.onnx'))
writeFileSync(
  join(folder, 'preprocessor_config.json'),
  JSON.stringify({
    size: { height: 9, width: 9 },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
  }),
)
writeFileSync(
  join(folder, 'config.json'),
  JSON.stringify({
    architectures: ['ResNetForImageClassification'],
    id2label: { 0: 'cat', 1: 'dog', 2: 'owl', 3: 'fox', 4: 'elk' },
  }),
)
const started = await start([join(folder, 'model.onnx')], () => load(join(folder, 'model.onnx')))
const at = testsAt(started)
test.after.always(() => rmSync(folder, { recursive: true }))

/** The colour of a pixel, from 0 to 255. */
const byteAt = (colour: number, row: number, column: number): number => (37 * colour + 41 * row + 17 * column) % 256

/** A PNG of a square with a margin at both sides, which is cut off. */
function pngOf(page: Page, margin: number): Promise<string> {
  const bytes = Array.from({ length: SIDE }, (_, row) =>
    Array.from({ length: SIDE + 2 * margin }, (_, column) => [
      ...[0, 1, 2].map(colour => byteAt(colour, row, column - margin + 256)),
      255,
    ]),
  )
  return page.evaluate(
    ([data, width, height]) => {
      const canvas = document.createElement('canvas')
      Object.assign(canvas, { width, height })
      const context = canvas.getContext('2d')!
      context.putImageData(new ImageData(Uint8ClampedArray.from(data), width, height), 0, 0)
      return canvas.toDataURL('image/png').split(',')[1]
    },
    [bytes.flat(2), SIDE + 2 * margin, SIDE] as const,
  )
}

const expected = [
  [0, 1, 2].map(colour =>
    Array.from({ length: SIDE }, (_, row) =>
      Array.from(
        { length: SIDE },
        (_, column) => (byteAt(colour, row, column + 256) / 255 - mean[colour]) / std[colour],
      ),
    ),
  ),
]

async function hasNumbers(t: ExecutionContext, page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await settled(page)
  const { result, stem } = await started.model.trace({ image: expected }, m => ({
    result: m.outputs.result,
    stem: m.child('stem').output,
  }))
  const values = floats(result)
  const best = values.indexOf(Math.max(...values))
  const table = page.locator('.overview table').nth(1)
  await table.locator('tbody tr').first().getByText(['cat', 'dog', 'owl', 'fox', 'elk'][best]).waitFor()
  const shown = (await table.locator('tbody td').nth(1).textContent()) ?? ''
  t.true(shows(shown, values[best]), `${shown} for ${values[best]}`)
  await page.getByRole('button', { name: /^stem/ }).click()
  await page.locator('.statistics').first().waitFor()
  await settled(page)
  const numbers = await statisticsOf(page)
  for (const [name, value] of Object.entries(statistics(floats(stem))))
    t.true(shows(numbers[name], value), `${name}: ${numbers[name]} for ${value}`)
}

at(
  'a picture is decoded, cut in the middle and normalised as the preprocessing beside the model says',
  {},
  async (t, page) => {
    t.regex(await textOf(page.locator('.facts')), /ResNetForImageClassification/)
    await page.getByRole('combobox', { name: 'Value of image' }).selectOption('picture or file')
    const buffer = Buffer.from(await pngOf(page, 2), 'base64')
    await page.getByLabel('File of image').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer })
    await page.getByText('a.png: resized to 6 × 6, normalised as preprocessor_config.json says').waitFor()
    await hasNumbers(t, page)
  },
)

at('a picture can be dropped on its field; what is no picture says what to choose', {}, async (t, page) => {
  const drop = (name: string, type: string, base64: string): Promise<void> =>
    page.locator('.field').evaluate(
      (field, [fileName, mime, text]) => {
        const bytes = Uint8Array.from(atob(text), char => char.charCodeAt(0))
        const dataTransfer = new DataTransfer()
        dataTransfer.items.add(new File([bytes], fileName, { type: mime }))
        field.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
      },
      [name, type, base64] as const,
    )
  await drop('a.wav', 'audio/wav', btoa('RIFF'))
  await page.getByText('image does not take samples of sound').waitFor()
  await drop('b.png', 'image/png', btoa('not a picture'))
  await page.getByText('can’t decode b.png').waitFor()
  await drop('c.png', 'image/png', await pngOf(page, 0))
  await page.getByText('c.png: resized').waitFor()
  t.is(await page.locator('.field [role=alert]').count(), 0)
  await hasNumbers(t, page)
})

at('any two axes are rows and columns; the others have sliders, and one of them small maps', {}, async (t, page) => {
  await choose(page, 'layer1.0.relu')
  const [rows, columns] = ['rows', 'columns'].map(name => page.getByRole('combobox', { name, exact: true }))
  await rows.selectOption('axis 1, channel (4)')
  await settled(page)
  t.is(await columns.inputValue(), '3')
  const slider = page.getByRole('slider', { name: 'index on axis 2, height' })
  await slider.fill('4')
  await settled(page)
  await page.getByRole('spinbutton', { name: 'row' }).fill('3')
  await page.keyboard.press('Tab')
  await page.getByRole('heading', { name: /^Row 3/ }).waitFor()
  await settled(page)
  const code = await (async () => {
    await page.getByRole('button', { name: 'Copy as code' }).click()
    const text = await textOf(page.locator('.written'))
    await page.keyboard.press('Escape')
    return text
  })()
  const image = JSON.parse(/image: (\[.*\]),/.exec(code)![1]) as number[][][][]
  const relu = await started.model.trace({ image }, m => m.child('layer1')[0].relu.output)
  const [maps] = relu.tolist() as number[][][][]
  const [[, ...cells]] = await cellsOf(page, '.row-values')
  t.is(cells.length, 6)
  for (const [i, cell] of cells.entries()) t.true(shows(cell, maps[3][4][i]), `${i}: ${cell} for ${maps[3][4][i]}`)
  // The other way round, the columns are the channels.
  await columns.selectOption('axis 1, channel (4)')
  await settled(page)
  t.is(await rows.inputValue(), '3')
  await page.getByRole('spinbutton', { name: 'row' }).fill('5')
  await page.keyboard.press('Tab')
  await page.getByRole('heading', { name: /^Row 5/ }).waitFor()
  await settled(page)
  const [[, ...channels]] = await cellsOf(page, '.row-values')
  t.is(channels.length, 4)
  for (const [i, cell] of channels.entries()) t.true(shows(cell, maps[i][0][5]), `${i}: ${cell} for ${maps[i][0][5]}`)
  // Small maps of an axis: a click shows one of them.
  await page.getByRole('combobox', { name: 'small maps of' }).selectOption('axis 2, height (6)')
  await page.getByRole('button', { name: 'height 3' }).click()
  await settled(page)
  t.is(await page.locator('.facets .head').count(), 6)
  t.is(await slider.inputValue(), '3')
  t.true(page.url().includes('axes=3%2C1') && page.url().includes('facets=2'))
  t.deepEqual(await violations(page), [])
  await page.reload()
  await page.locator('.facets').waitFor()
  t.is(await page.locator('.facets [aria-pressed=true]').textContent(), 'height 3')
})

run('a value of three maps of colours is also shown as a picture', async t => {
  t.timeout(60_000)
  const [rows, columns] = [16, 20]
  const dims = [1, 3, rows, columns]
  const file = saved(
    model(
      graph({
        nodes: [
          node('Mul', ['image', 'image'], ['squared'], {}, 'Mul_0'),
          node('Neg', ['squared'], ['out'], {}, 'Neg_1'),
        ],
        inputs: [value('image', OnnxType.FLOAT, dims)],
        outputs: ['out'],
      }),
    ),
  )
  const [own, other] = await Promise.all([view([file]), load(file)])
  t.teardown(() => Promise.all([own.end(), other.release()]))
  const image = [
    [0, 1, 2].map(c =>
      Array.from({ length: rows }, (_, y) => Array.from({ length: columns }, (_, x) => (c + 1) * x + y)),
    ),
  ]
  const out = floats((await other.run({ image })).out)
  const [least, most] = [Math.min(...out), Math.max(...out)]
  const address = new URLSearchParams({ tab: 'module', 'in.image': `json:${JSON.stringify(image)}` })
  await testPage(t, started.browser, { url: `${own.url}#${address}`, scheme: 'light' }, async page => {
    const canvas = page.locator('.picture canvas')
    await canvas.waitFor()
    const pixels = await canvas.evaluate((one: HTMLCanvasElement) =>
      Array.from(one.getContext('2d')!.getImageData(0, 0, one.width, one.height).data),
    )
    t.is(pixels.length, 4 * rows * columns)
    for (let at = 0; at < rows * columns; at++)
      for (let colour = 0; colour < 3; colour++) {
        const byte = (255 * (out[colour * rows * columns + at] - least)) / (most - least)
        t.true(Math.abs(pixels[4 * at + colour] - byte) <= 0.51, `${at} ${colour}`)
      }
  })
})

/** The least and the largest y of each column in the path of a waveform, which is 100 units high. */
function columnsOf(path: string): { least: number[]; largest: number[] } {
  const ys = path
    .slice(1, -1)
    .split('L')
    .map(point => Number(point.split(' ')[1]))
  return { largest: ys.slice(0, ys.length / 2), least: ys.slice(ys.length / 2).toReversed() }
}

for (const scheme of ['light', 'dark'] as const)
  run(`sound is shown as a waveform with seconds, where it is chosen and where it is read: ${scheme}`, async t => {
    t.timeout(60_000)
    const own = mkdtempSync(join(tmpdir(), 'onnsight-sound-'))
    const [rate, samples] = [8000, 4100]
    const dims = ['batch', 'samples']
    const proto = model(
      graph({
        nodes: [node('Neg', ['input_values'], ['turned'], {}, '/front/Neg')],
        inputs: [value('input_values', OnnxType.FLOAT, dims)],
        outputs: ['turned'],
      }),
    )
    copyFileSync(saved(proto), join(own, 'model.onnx'))
    writeFileSync(join(own, 'preprocessor_config.json'), JSON.stringify({ sampling_rate: rate }))
    const viewing = await view([join(own, 'model.onnx')])
    t.teardown(() => viewing.end().finally(() => rmSync(own, { recursive: true })))
    // A tone that grows, and is not the same above 0 as under it.
    const sound = Array.from({ length: samples }, (_, i) => {
      const sine = Math.sin(i / 3) * (i / samples)
      return Math.round(16_000 * (sine > 0 ? sine : sine / 2))
    })
    const header = Buffer.alloc(44)
    header.write('RIFF', 0)
    header.writeUInt32LE(36 + 2 * samples, 4)
    header.write('WAVEfmt ', 8)
    header.writeUInt32LE(16, 16)
    for (const [at, number] of [
      [20, 1],
      [22, 1],
      [32, 2],
      [34, 16],
    ])
      header.writeUInt16LE(number, at)
    header.writeUInt32LE(rate, 24)
    header.writeUInt32LE(2 * rate, 28)
    header.write('data', 36)
    header.writeUInt32LE(2 * samples, 40)
    const buffer = Buffer.concat([header, Buffer.from(Int16Array.from(sound).buffer)])
    const step = Math.ceil(samples / 512)
    const most = Math.max(...sound.map(Math.abs))
    const sameColumns = async (path: string | null, sign: number): Promise<void> => {
      const { least, largest } = columnsOf(path ?? '')
      t.is(least.length, Math.ceil(samples / step))
      for (const [i, y] of least.entries()) {
        const column = sound.slice(i * step, (i + 1) * step).map(sample => (sign * sample) / most)
        t.true(Math.abs(50 - 50 * Math.min(...column) - y) < 0.02, `least ${i}`)
        t.true(Math.abs(50 - 50 * Math.max(...column) - largest[i]) < 0.02, `largest ${i}`)
      }
    }
    await testPage(t, started.browser, { url: viewing.url, scheme }, async page => {
      await page.getByRole('combobox', { name: 'Value of input_values' }).selectOption('sound or file')
      await page.getByLabel('File of input_values').setInputFiles({ name: 'a.wav', mimeType: 'audio/wav', buffer })
      await page.getByText('a.wav: 4100 samples at 8000 a second').waitFor()
      const chosen = page.getByRole('img', { name: 'Waveform of input_values: 0.51250 s' })
      await sameColumns(await chosen.locator('path').getAttribute('d'), 1)
      t.deepEqual(await page.locator('.waveform-axis span').allTextContents(), ['0', '0.2', '0.4', 'seconds'])
      await page.getByRole('button', { name: 'Run', exact: true }).click()
      await settled(page)
      await page.getByRole('tab', { name: 'Module' }).click()
      const read = page.getByRole('img', { name: 'Waveform of turned: 0.51250 s' })
      await sameColumns(await read.locator('path').getAttribute('d'), -1)
      t.deepEqual(await overflow(page), [0, 0])
      t.deepEqual(await violations(page), [])
    })
  })
