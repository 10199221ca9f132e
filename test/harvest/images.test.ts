import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, type Model } from 'onnsight'
import { type HarvestOptions, harvest } from 'onnsight/harvest'
import sharp from 'sharp'
import { graph, model as handMade, node, OnnxType, saved, value } from '../model/hand-graph.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-images-'))
test.after.always(() => rmSync(folder, { recursive: true }))

/** A model that gives the negatives of the numbers that it is given. */
async function negative(dims: readonly (number | string)[], config?: object): Promise<Model> {
  const own = mkdtempSync(join(folder, 'model-'))
  const written = handMade(
    graph({
      inputs: [value('pixel_values', OnnxType.FLOAT, dims)],
      nodes: [node('Neg', ['pixel_values'], ['y'], {}, '/negative/Neg')],
      outputs: [value('y', OnnxType.FLOAT, dims)],
    }),
  )
  if (config) writeFileSync(join(own, 'preprocessor_config.json'), JSON.stringify(config))
  const path = join(own, 'model.onnx')
  copyFileSync(saved(written), path)
  return load(path)
}

async function rows(model: Model, options: Partial<HarvestOptions>): Promise<readonly number[][]> {
  const out = mkdtempSync(join(folder, 'out-'))
  const found = await harvest(model, { at: 'negative.output', out, ...options })
  const all: number[][] = []
  for await (const { values } of found.batches({ size: 1 }))
    all.push(Array.from(values['negative.output'].data as Float32Array, number => -number))
  return all
}

/** A picture by its pixels: rows of [red, green, blue]. */
const picture = (pixels: readonly (readonly number[])[][]) =>
  sharp(Buffer.from(pixels.flat(2)), { raw: { width: pixels[0].length, height: pixels.length, channels: 3 } })

const isNear = (got: readonly number[], due: readonly number[], tolerance = 1e-5): boolean =>
  got.length === due.length && due.every((number, i) => Math.abs(number - got[i]) <= tolerance)

const corners = [
  [
    [255, 0, 51],
    [0, 102, 0],
  ],
  [
    [0, 0, 255],
    [204, 255, 102],
  ],
]
/** The corners as [colour, row, column], from 0 to 1. */
const planes = [1, 0, 0, 0.8, 0, 0.4, 0, 1, 0.2, 0, 1, 0.4]

test('images of a folder are decoded, and normalised as the file beside the model says', async t => {
  const photos = join(folder, 'photos')
  mkdirSync(join(photos, 'more'), { recursive: true })
  writeFileSync(join(photos, 'a.png'), await picture(corners).png().toBuffer())
  // Of one colour, so that it is the same after it was compressed.
  const red = Array.from({ length: 16 }, () => Array.from({ length: 24 }, () => [255, 0, 0]))
  writeFileSync(join(photos, 'more/b.jpg'), await picture(red).jpeg({ quality: 100 }).toBuffer())
  writeFileSync(join(photos, 'notes.txt'), 'not a picture')
  const [mean, std] = [
    [0.5, 0.25, 0],
    [0.5, 0.25, 2],
  ]
  const model = await negative(['batch', 3, 'height', 'width'], {
    size: { height: 2, width: 2 },
    image_mean: mean,
    image_std: std,
  })
  t.teardown(() => model.release())
  const [first, second, ...others] = await rows(model, { images: photos })
  t.true(
    isNear(
      first,
      planes.map((number, i) => (number - mean[i >> 2]) / std[i >> 2]),
    ),
  )
  t.true(isNear(second, [1, 1, 1, 1, -1, -1, -1, -1, 0, 0, 0, 0], 0.02))
  t.deepEqual(others, [])
})

test('the shortest side is scaled and the middle is cut; without a file, images fill the input', async t => {
  // Three squares beside one another, each of one colour; the one in the middle is what is cut out.
  const stripes = Array.from({ length: 8 }, () =>
    [255, 102, 0].flatMap(grey => Array.from({ length: 8 }, () => [grey, grey, grey])),
  )
  const bytes = await picture(stripes).png().toBuffer()
  const config = { size: { shortest_edge: 4 }, do_center_crop: true, crop_size: 2, resample: 0 }
  const cut = await negative(['batch', 3, 2, 2], config)
  const grey = await negative(['batch', 1, 1, 3])
  t.teardown(() => Promise.all([cut.release(), grey.release()]))
  const [middle] = await rows(cut, { images: [bytes] })
  t.true(isNear(middle, new Array<number>(12).fill(0.4)))
  const [whole] = await rows(grey, { images: [bytes], take: 'whole' })
  t.is(whole.length, 3)
  t.true(whole[0] > whole[1] && whole[1] > whole[2])
})

test('what is no image, a model that takes none, and a size that nothing tells are refused', async t => {
  const [small, open, flat] = [
    await negative(['batch', 3, 2, 2]),
    await negative(['batch', 3, 'height', 'width']),
    await negative(['batch', 4]),
  ]
  t.teardown(() => Promise.all([small.release(), open.release(), flat.release()]))
  const bytes = await picture(corners).png().toBuffer()
  await t.throwsAsync(rows(small, { images: [Buffer.from('nothing')] }), { message: /image 0 can’t be read/ })
  await t.throwsAsync(rows(open, { images: [bytes] }), { message: /no preprocessor_config\.json/ })
  await t.throwsAsync(rows(flat, { images: [bytes] }), { message: /takes no images/ })
})
