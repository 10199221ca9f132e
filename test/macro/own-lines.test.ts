import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const root = fileURLToPath(new URL('../../', import.meta.url))
const model = join(root, 'test/fixtures/models/chars.onnx')

/** Runs a program in a project that has the package, in a folder of this name. */
async function run(name: string, program: string): Promise<{ stdout: string; stderr: string; file: string }> {
  const outer = mkdtempSync(join(tmpdir(), 'onnsight-lines-'))
  try {
    const folder = join(outer, name)
    const own = join(folder, 'node_modules/onnsight')
    mkdirSync(own, { recursive: true })
    for (const part of ['dist', 'package.json']) cpSync(join(root, part), join(own, part), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(own, 'node_modules'), 'junction')
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    const file = join(folder, 'main.ts')
    writeFileSync(file, program)
    const { NODE_OPTIONS: _, ...env } = process.env
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'onnsight/register', file], {
      cwd: folder,
      env: { ...env, NO_COLOR: '1', FORCE_COLOR: undefined },
    }).catch(error => error)
    return { stdout, stderr, file }
  } finally {
    rmSync(outer, { recursive: true })
  }
}

const head = `interface Erased {
  n: number
}
interface Another {
  n: number
}
import { load, type Tensor } from 'onnsight'
import { s, trace } from 'onnsight/trace.macro'
const model = await load(${JSON.stringify(model)})
let h!: Tensor
`
const lineOf = (program: string, text: string): number => program.slice(0, program.indexOf(text)).split('\n').length

const folders = ['in (brackets) ü', 'at@1.0.0+x']

for (const folder of folders)
  test(`stacks tell the user’s own lines, and begin with them: a project in “${folder}”`, async t => {
    const program = `${head}const tries: (() => unknown)[] = [
  () => trace(model, [[1]], () => model.transformer.h[1].output.reshape(7)), // reshape
  () => trace(model, [[1]], () => model.module('no.such')), // misspelt
  async () => {
    await trace(model, [[1]], () => {
      h = model.lm_head.output
    })
    return h.data // unsaved
  },
  () => model.trace([[1]], m => m.lm_head.output.reshape(7)), // plain
  () => model.trace([[1]], m => m.lm_head.output.slice('::::')), // slice
  () => trace(model, [[1]], () => { throw new TypeError('mine') }), // mine
]
for (const go of tries)
  try {
    await go()
  } catch (error) {
    console.log((error as Error).stack!.split('\\n').filter(line => /^\\s+at /.test(line))[0])
    const { at } = error as { at?: { file: string; line: number; source?: object } }
    if (at && !at.source) console.log(\`    at \${at.file}:\${at.line}:\`)
  }
`
    const { stdout, stderr, file } = await run(folder, program)
    const lines = stdout.trim().split('\n')
    const marks = ['// reshape', '// misspelt', '// unsaved', '// plain', '// plain', '// slice', '// slice', '// mine']
    t.is(lines.length, marks.length, stderr)
    for (const [i, mark] of marks.entries())
      t.true(lines[i].includes(`${file}:${lineOf(program, mark)}:`), `${mark}: ${lines[i]}`)
  })

test('what can’t be built is told with its code frame, and with nobody else’s lines', async t => {
  for (const [wrong, what] of [
    ['await trace(model, [[1]], () => { nowhere = 1 })', 'nowhere is assigned in a traced block'],
    ['const a = = 1', 'Unexpected token'],
  ]) {
    const { stderr } = await run('plain', `${head}${wrong}\n`)
    t.true(stderr.includes(what), stderr)
    t.is(stderr.split(wrong).length - 1, 1, stderr)
    t.notRegex(stderr, /node_modules|\n\s+at /)
  }
})

test('an error that nobody catches is printed once: its text, its code frame, what to do', async t => {
  const program = `${head}await trace(model, [[1]], () => {
  h = model.lm_head.output
  return h.reshape(7) // once
})
`
  const { stderr } = await run('plain', program)
  const count = (text: string): number => stderr.split(text).length - 1
  t.is(count('// once'), 1, stderr)
  t.is(count('do not fit'), 1, stderr)
  t.is(count('compare the dims of both sides'), 1, stderr)
  t.regex(stderr, /code: 'shape'/)
})
