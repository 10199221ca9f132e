import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { OnnsightError } from 'onnsight'
import { build } from 'vite'

const PROGRAM = `import { load, OnnsightError } from 'onnsight'
const model = await load('test/fixtures/models/chars.onnx')
const ids = [[1, 2]]
let h
await model.trace(ids, m => { h = m.lm_head.output })
const shown = []
for (const go of [
  () => h.data,
  () => model.trace(ids, m => m.lm_head.output.reshape(7)),
  () => model.trace({ no: 1 }, m => m.lm_head.output),
  () => model.module('no.such'),
  () => model.transformer.h[0].output,
  () => model.trace(ids, m => { m.transformer.h[0].output = m.transformer.h[2].output; return m.lm_head.output }),
])
  try {
    await go()
  } catch (error) {
    shown.push([error.name, String(error).split(':')[0], error.stack.split(':')[0], error instanceof OnnsightError, error.code])
  }
console.log(JSON.stringify(shown))
await model.release()
`

test('errors keep their names in a bundle that a minifier has been through', async t => {
  const folder = mkdtempSync('test/.minified-')
  try {
    writeFileSync(join(folder, 'main.js'), PROGRAM)
    await build({
      root: folder,
      logLevel: 'silent',
      configFile: false,
      ssr: { noExternal: true, external: ['onnxruntime-node'] },
      build: { ssr: 'main.js', outDir: 'out', minify: 'esbuild' },
    })
    const file = join(folder, 'out/main.js')
    t.notRegex(readFileSync(file, 'utf8'), /class NotSavedError/)
    const { stdout } = await promisify(execFile)(process.execPath, [file])
    const shown = JSON.parse(stdout) as [string, string, string, boolean, string][]
    t.deepEqual(
      shown.map(([name]) => name),
      ['NotSavedError', 'ShapeError', 'InputError', 'UnknownModuleError', 'OutsideTraceError', 'CycleError'],
    )
    for (const [name, text, first, isOurs, code] of shown) {
      t.deepEqual([text, first, isOurs], [name, name, true])
      t.true(code.length > 0)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('an error’s name is that of its class', async t => {
  let count = 0
  for (const file of readdirSync('dist/runtime/errors').filter(name => name.endsWith('.js'))) {
    const exported = (await import(`#dist/runtime/errors/${file}`)) as Record<string, { readonly code?: string }>
    for (const [name, { code }] of Object.entries(exported)) {
      if (typeof code !== 'string' || !Object.hasOwn(exported[name], 'code')) continue
      t.is(new OnnsightError(code, '').name, name)
      count++
    }
  }
  t.true(count > 45)
})
