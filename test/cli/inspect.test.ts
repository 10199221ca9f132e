import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import test from 'ava'
import { load } from 'onnsight'
import { describe } from '#dist/cli/inspect/describe.js'
import type { Inspection } from '#dist/cli/inspect/inspection.js'
import { readModel } from '#dist/runtime/onnx/reading/read.js'
import { onnsight } from './spawn.ts'

const chars = 'test/fixtures/models/chars.onnx'
const folder = mkdtempSync(join(tmpdir(), 'onnsight-inspect-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const inspect = async (file: string): Promise<Inspection> =>
  JSON.parse((await onnsight(['inspect', file, '--json'])).stdout) as Inspection

test('--json prints the counts of the file and of each module with the modules below it', async t => {
  const found = await inspect(chars)
  const { message } = await readModel(chars)
  t.is(found.version, 1)
  t.is(found.file, chars)
  t.is(found.irVersion, Number(message.irVersion))
  t.deepEqual(found.opsets, { 'ai.onnx': Number(message.opsetImport[0].version) })
  t.deepEqual(found.inputs, [{ name: 'input_ids', type: 'int64', dims: ['batch', 'sequence'] }])
  t.deepEqual(found.outputs, [{ name: 'logits', type: 'float32', dims: ['batch', 'sequence', 65] }])
  t.is(
    Object.values(found.operations).reduce((sum, count) => sum + count, 0),
    found.nodes,
  )
  t.is(found.operations.Softmax, 4)
  // The formula for a GPT of 4 layers and width 128, whose head has its own matrix.
  const layer = 12 * 128 * 128 + 13 * 128
  t.is(found.modules.find(({ path }) => path === 'transformer.h.2')?.parameters, layer)
  t.is(found.parameters, 4 * layer + 65 * 128 * 2 + 128 * 128 + 2 * 128)
  t.is(found.bytes, found.parameters * 4)
  t.is(found.modules[0].path, '')
  t.is(found.modules[0].parameters, found.parameters)
  t.is(
    found.blocks.reduce((sum, { nodes }) => sum + nodes, 0),
    found.nodes,
  )
})

test('float16 weights take half the bytes; a weight that two modules read counts once', async t => {
  const half = await inspect('test/fixtures/models/chars-fp16.onnx')
  t.is(half.modules.find(({ path }) => path === 'transformer.h.0.mlp')?.bytes, 2 * (8 * 128 * 128 + 5 * 128))
  const shared = await inspect('test/fixtures/names/shared.onnx')
  const own = shared.modules.flatMap(({ weights }) => weights)
  const sum = own.reduce((total, { dims }) => total + dims.reduce((a, b) => a * b, 1), 0)
  t.true(shared.parameters <= sum && shared.parameters > 0)
})

test('as text it prints the same counts', async t => {
  const { code, stdout, stderr } = await onnsight(['inspect', chars])
  t.is(code, 0)
  t.is(stderr, '')
  t.regex(
    stdout,
    /^test\/fixtures\/models\/chars\.onnx: 591 nodes, [\d,]+ parameters, 3\.\d MB\nopset|^[^\n]*\n\nopset/,
  )
  t.regex(stdout, /\nopset ai\.onnx \d+ · IR \d+\n/)
  t.regex(stdout, /\n\noperations\n {2} *\d+ {2}\w+/)
  t.regex(stdout, /attn {2}· 85 nodes · 66,048 parameters, 264 kB\n/)
  const model = await load(chars)
  for (const { label, nodes } of model.engine.blocks) t.true(stdout.includes(`  ${label} (${nodes})`))
  await model.release()
})

test('on a terminal no line is wider than it is, and headings are bold where colours are wanted', async t => {
  const model = await load(chars)
  const plain = describe(model, {})
  for (const columns of [40, 80, 200]) {
    const lines = describe(model, { isTTY: true, columns }).split('\n')
    t.true(lines.every(line => line.length <= columns || !line.trim().includes(' ')))
    t.is(lines.join(' ').replace(/\s+/g, ' '), plain.replace(/\s+/g, ' '))
  }
  // Dims that fit into a line stay in one, and a line that goes on has the style of the one before.
  for (const columns of [36, 40, 44, 48, 52, 56, 60])
    for (const line of describe(model, { isTTY: true, columns, hasColors: () => true }).split('\n')) {
      const text = stripVTControlCharacters(line)
      t.is(text.split('[').length, text.split(']').length, text)
      if (/^ *· /.test(text)) t.true(line.startsWith('\u001b[2m'), line)
    }
  const terminal = { isTTY: true, columns: 80 }
  const coloured = describe(model, { ...terminal, hasColors: () => true })
  t.true(coloured.includes('\u001b[1minputs\u001b[22m'))
  t.is(stripVTControlCharacters(coloured), describe(model, { ...terminal, hasColors: () => false }))
  t.is(describe(model, { isTTY: false, hasColors: () => true }), plain)
  await model.release()
})

writeFileSync(join(folder, 'text.onnx'), '# not a model\n')
writeFileSync(join(folder, 'empty.onnx'), '')
copyFileSync(chars, join(folder, 'cut.onnx'))
truncateSync(join(folder, 'cut.onnx'), 100_000)

for (const [what, file, message] of [
  ['no ONNX file', join(folder, 'text.onnx'), /is not an ONNX model/],
  ['an empty file', join(folder, 'empty.onnx'), /is not an ONNX model|is incomplete/],
  ['a cut-off model', join(folder, 'cut.onnx'), /is incomplete/],
  ['a missing file', 'test/fixtures/models/chras.onnx', /^There is no file .*chars\.onnx/],
  ['a folder', 'test', /it is a folder/],
] as const) {
  test(`${what}: one message on stderr, and code 1`, async t => {
    for (const command of ['inspect', 'run', 'types', 'repl']) {
      const { code, stdout, stderr } = await onnsight([command, file])
      t.is(code, 1, command)
      t.is(stdout, '')
      t.regex(stderr, message)
      t.regex(stderr, /\n {2}Do this: \S[^\n]*\n$/)
      t.notRegex(stderr, /\n\s+at /)
    }
  })
}

test('ONNSIGHT_DEBUG=1 shows where an error was thrown', async t => {
  const { code, stderr } = await onnsight(['inspect', 'nowhere.onnx'], { env: { ONNSIGHT_DEBUG: '1' } })
  t.is(code, 1)
  t.regex(stderr, /There is no file nowhere\.onnx[\s\S]*\n\s+at .*\.[jt]s:\d+/)
})

for (const args of [[], ['inspect'], ['nonsense'], ['inspect', chars, '--nonsense'], ['inspect', chars, 'more']]) {
  test(`wrong usage is code 2: onnsight ${args.join(' ')}`, async t => {
    const { code, stdout, stderr } = await onnsight(args)
    t.is(code, 2)
    t.is(stdout, '')
    t.regex(stderr, args.length === 0 ? /Usage: onnsight/ : /^error: .*\n+ {2}Do this: onnsight (?:inspect )?--help\n$/)
  })
}

test('help and version go to stdout with code 0', async t => {
  for (const args of [['--help'], ['inspect', '--help'], ['help', 'run'], ['--version']]) {
    const { code, stdout, stderr } = await onnsight(args)
    t.is(code, 0)
    t.is(stderr, '')
    t.true(stdout.length > 4)
  }
})

test('the command ends silently when the reader of its output ends', async t => {
  const child = spawn(process.execPath, ['dist/cli/onnsight.js', 'run', chars, '--input', '[[1, 2, 3]]', '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.destroy()
  let said = ''
  child.stderr.on('data', chunk => {
    said += String(chunk)
  })
  const code = await new Promise(resolve => child.on('close', resolve))
  t.is(said, '')
  t.is(code, 0)
})
