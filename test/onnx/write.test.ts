import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import { readModel } from '#dist/runtime/onnx/reading/read.js'
import { writeModel } from '#dist/runtime/onnx/writing/write.js'
import { outputsOf, realFiles } from './real-files.ts'
import { decode, namesIn, temporaryFolder, tensorsIn, withBytesInside } from './written.ts'

for (const path of realFiles) {
  const name = basename(path)

  test(`${path.replace(/.*node_modules\//, '')}: written as it was read, byte for byte`, async t => {
    const folder = await temporaryFolder(t)
    await writeModel(await readModel(path), join(folder, 'out.onnx'))
    t.true((await readFile(path)).equals(await readFile(join(folder, 'out.onnx'))))
    const isExternal = existsSync(`${path}.data`)
    t.deepEqual(await namesIn(folder), isExternal ? [`${name}.data`, 'out.onnx'].sort() : ['out.onnx'])
    if (isExternal) t.true((await readFile(`${path}.data`)).equals(await readFile(join(folder, `${name}.data`))))
  })

  test(`${path.replace(/.*node_modules\//, '')}: embedded and external, with the same weights and results`, async t => {
    const folder = await temporaryFolder(t)
    const model = await readModel(path)
    const expected = await withBytesInside(path)
    const outputs = await outputsOf(path)
    t.true(Object.keys(outputs).length > 0)
    for (const weights of ['embedded', 'external'] as const) {
      const target = join(folder, `${weights}.onnx`)
      await writeModel(model, target, { weights })
      t.true(isDeepStrictEqual(await withBytesInside(target), expected), `${weights}: all but the weights' places`)
      t.deepEqual(await outputsOf(target, path), outputs, weights)
    }
    const places = [...tensorsIn(await decode(join(folder, 'external.onnx')))].filter(
      tensor => tensor.dataLocation === 1,
    )
    t.true(places.length > 0)
    for (const { externalData } of places) {
      const { location, offset, length } = Object.fromEntries(externalData.map(({ key, value }) => [key, value]))
      t.is(location, 'external.onnx.data')
      if (Number(length) >= 4096) t.is(Number(offset) % 4096, 0)
    }
    t.false([...tensorsIn(await decode(join(folder, 'embedded.onnx')))].some(tensor => tensor.dataLocation === 1))
    t.deepEqual(await namesIn(folder), ['embedded.onnx', 'external.onnx', 'external.onnx.data'])
  })
}
