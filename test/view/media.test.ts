import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { load } from 'onnsight'
import type { Page } from 'playwright-core'
import { start, testsAt } from './in-chromium.ts'
import { floats, settled, shows, statistics, statisticsOf, textOf } from './page.ts'

// Tests pictures as inputs of the page, on a model of images with a preprocessor_config.json beside it.

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
