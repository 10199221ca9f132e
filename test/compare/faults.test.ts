import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load } from 'onnsight'
import { compare } from 'onnsight/compare'
import { faults, Spoilt } from './faults.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-compare-'))
const right = new Map(
  await Promise.all(
    [...new Set(faults.map(({ model }) => model))].map(async path => [path, await load(path)] as const),
  ),
)
test.after.always(async () => {
  for (const model of right.values()) await model.release()
  rmSync(folder, { recursive: true })
})

const ids = [
  [21, 347, 12, 90, 55, 601, 7, 33, 410, 18],
  [300, 44, 44, 219, 9, 87, 650, 71, 20, 5],
]

for (const [i, { what, model, build = model, module, spoil }] of faults.entries())
  test.serial(`${what} is blamed on ${module ?? 'no module'}`, async t => {
    const spoilt = new Spoilt(build)
    spoil(spoilt)
    const path = join(folder, `${i}.onnx`)
    spoilt.save(path)
    const a = right.get(model)!
    const b = await load(path)
    try {
      const rows = model.includes('verse')
        ? ids
        : model.includes('chars')
          ? ids.map(row => row.map(id => id % 65))
          : null
      const found = await compare(a, b, rows)
      t.true(found.output.mean > 1e-4 || Number.isNaN(found.output.mean), 'the fault can be seen')
      t.is(found.culprit, module, String(found))
      if (module === null) {
        t.true(found.unexplained.outside > 0.5 || found.blame.every(({ share }) => share < 0.5))
        t.regex(found.advice, /No module explains/)
        return
      }
      const [{ share, interval }] = found.blame
      t.is(found.blame[0].module, module)
      t.true(interval[0] <= share && share <= interval[1])
    } finally {
      await b.release()
    }
  })
