import { join } from 'node:path'
import test from 'ava'
import { load } from 'onnsight'
import { type Checked, check } from '../../exporters/check.ts'
import { precisionOf, readManifest, readReference } from '../../exporters/manifest.ts'

/* The smallest files that exporters/ makes. Each was named, fused or quantised by another tool. */
const folder = 'test/fixtures/exported'
const manifest = readManifest(folder)

for (const [family, { places, files }] of Object.entries(manifest)) {
  const reference = readReference(folder, family, places)
  for (const [exporter, { file }] of Object.entries(files)) {
    if (exporter === 'classic+all') continue
    test(`${family} by ${exporter}: modules are where PyTorch has them, and hold its values`, async t => {
      const checked = await check(join(folder, file!), reference, precisionOf(exporter))
      const wanted: (keyof Checked)[] = ['loads', 'layers', 'reads', 'writes']
      if (reference.generated) wanted.push('generates')
      for (const column of wanted) t.like(checked[column], { yes: true }, column)
    })
  }
}

test('quantised: a write in numbers goes in as integers, and a slice of it too', async t => {
  const model = await load(join(folder, manifest.yolo.files['classic+qoperator'].file!))
  const { inputs } = readReference(folder, 'yolo', manifest.yolo.places)
  const { whole, part, before } = await model.trace(inputs, m => {
    const layer = m.module('model.1')
    const before = layer.output
    layer.output.set(':, 0', 0.25)
    return { before, part: layer.output, whole: m.module('model.2').output }
  })
  t.is(before.type, 'float32')
  const channel = await part.slice(':, 0').value()
  t.true((channel.data as Float32Array).every(value => Math.abs(value - 0.25) < 0.02))
  t.deepEqual((await part.slice(':, 1:').value()).tolist(), (await before.slice(':, 1:').value()).tolist())
  const unedited = await model.trace(inputs, m => m.module('model.2').output)
  t.notDeepEqual(whole.tolist(), unedited.tolist())
  await model.release()
})
