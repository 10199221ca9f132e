import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import test from 'ava'
import { load, type Model } from 'onnsight'
import { runRepl } from '#dist/cli/repl/start.js'
import { TemplateConsole } from '#dist/runtime/template/console.js'

let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => model?.release())

/** Enters lines into a console and returns its answers, without the prompts. */
async function talk(...lines: string[]): Promise<string> {
  const own = await load('test/fixtures/models/chars.onnx')
  const input = new PassThrough()
  const output = new PassThrough()
  const chunks: Buffer[] = []
  output.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = runRepl(own, { input, output })
  input.end(`${lines.join('\n')}\n`)
  await ended
  await own.release()
  const text = Buffer.concat(chunks).toString()
  return text
    .split('\n')
    .slice(2)
    .join('\n')
    .replace(/^(> (?! *\d+ \|)|… )+/gm, '')
    .trim()
}
const INPUTS = '.inputs [[18, 47, 56, 57]]'

test('the console shows the value of a line, and keeps variables with and without let', async t => {
  t.is(await talk('1 + 2'), '3')
  const said = await talk(INPUTS, 'let h = transformer.h[1].output[:, -1]', 'h.shape', 'k = h.sum()', 'k - h.sum()')
  t.is(said, '[[18,47,56,57]]\nh: float32 [1, 128]\n[ 1, 128 ]\nk: float32 []\nTensor(float32 []\n0)')
})

test('an entry that only writes says that nothing reads it', async t => {
  for (const entry of [
    'transformer.h[1].output *= 2',
    'transformer.h[1].mlp.output[:, -1] = 0; skip transformer.h[2]',
    'for i in 0:2\n  transformer.h[i].output = 0\n',
  ])
    t.regex(await talk(INPUTS, entry), /Nothing reads what this writes[\s\S]*\.edit/, entry)
  t.notRegex(await talk(INPUTS, 'x = 1', 'x = 1', 'transformer.h[1].output *= 2; y = 2', 'stop'), /Nothing reads/)
})

test('a write applies to its own entry; an edit applies until .clear', async t => {
  const said = await talk(
    INPUTS,
    'a = lm_head.output.sum()',
    'transformer.h[1].output *= 2; b = lm_head.output.sum()',
    '(a == b).item',
    'lm_head.output.sum() == a',
    '.edit transformer.h[1].output *= 2',
    'lm_head.output.sum() == b',
    '.edits',
    '.clear',
    'lm_head.output.sum() == a',
  )
  t.regex(
    said,
    /b: float32 \[\]\n[\s\S]*no item[\s\S]*\ntrue\)\n1 in total[\s\S]*\ntrue\)\ntransformer\.h\[1\]\.output \*= 2\nnone left\n[\s\S]*\ntrue\)$/,
  )
})

test('a block ends with an empty line, and an open bracket continues the entry', async t => {
  const said = await talk(INPUTS, 'n = 0', 'for i in 0:3', '  n += i', '', 'n', '[1,', '2]')
  t.regex(said, /n: 0\nn: 3\ni: 2\n3\n\[ 1, 2 \]$/)
})

test('an unfinished entry runs when the input ends', async t => {
  t.regex(await talk('n = 0', 'for i in 0:3', '  n += i'), /n: 3\ni: 2$/)
})

test('errors show their position, and variables keep their values', async t => {
  const said = await talk(INPUTS, 'x = 1', 'x = lm_head.output @ nothing', 'x', 'save = 2', 'lm_head.output[0', ')')
  t.regex(
    said,
    /there is no nothing\.\n {2}<entry 2>:1:22\n> 1 \| x = lm_head\.output @ nothing\n {4}\| {22}\^\n {2}Do this: assign it first/,
  )
  t.regex(said, /\n1\nThis template can't be read: expected a name, but found =/)
})

test('without inputs the error says how to set them; .tree needs no inputs', async t => {
  t.regex(await talk('lm_head.output'), /no inputs yet[\s\S]*Do this: \.inputs \{"input_ids":\[\[0,0,0,0\]\]\}/)
  t.regex(await talk('.tree transformer.h[0].attn'), /^transformer\.h\.0\.attn[\s\S]* {2}c_attn/)
  t.regex(await talk('.inputs nonsense'), /not valid JSON[\s\S]*Do this: \.inputs/)
  t.regex(await talk(INPUTS, '.shapes'), /lm_head {2}· float32 \[1, 4, 128\] → float32 \[1, 4, 65\]/)
  t.regex(await talk('.nonsense'), /There is no \.nonsense\.\n\.inputs/)
  t.is(await talk('.exit', '1'), '')
})

test('Tab completes modules, members, operations, variables and commands', t => {
  const console = new TemplateConsole(model, {})
  console.variables.set('total', 1)
  const words = (line: string): string[] => console.complete(line)[0]
  t.true(words('tr').includes('transformer'))
  t.deepEqual(words('transformer.h[1].m'), ['mlp'])
  t.deepEqual(words('x = transformer.h.1.attn.c_'), ['c_attn', 'c_proj'])
  t.deepEqual(words('transformer.h[0].attn.ops.Soft'), ['Softmax'])
  t.deepEqual(words('transformer.h[0].attn.ops.Softmax[0].inputA'), ['inputAt('])
  t.deepEqual(words('transformer.h[0].output.log_soft'), [])
  t.deepEqual(words('transformer.h[0].output.logSoft'), ['logSoftmax('])
  t.deepEqual(words('2 * tot'), ['total'])
  t.deepEqual(words('sa'), ['save '])
  t.deepEqual(words('x = sa'), [])
  t.deepEqual(words('nowhere.at.all.x'), [])
  t.deepEqual(console.complete('transformer.h[-1].ou'), [['output', 'outputs'], 'ou'])
})

test('onnsight repl starts the console with a model and inputs', async t => {
  const child = spawn(process.execPath, [
    'dist/cli/onnsight.js',
    'repl',
    'test/fixtures/models/chars.onnx',
    '--inputs',
    '[[1, 2]]',
  ])
  const out: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stdin.end('lm_head.output.shape\n')
  const code = await new Promise(resolve => child.on('close', resolve))
  t.is(code, 0)
  t.regex(Buffer.concat(out).toString(), /\[ 1, 2, 65 \]/)
})

test('a missing model is an error with one message and an exit code', async t => {
  const run = promisify(execFile)
  const error = (await t.throwsAsync(
    run(process.execPath, ['dist/cli/onnsight.js', 'repl', 'nowhere.onnx']),
  )) as Error & {
    code: number
    stderr: string
  }
  t.is(error.code, 1)
  t.regex(error.stderr, /^There is no file nowhere\.onnx/)
  t.notRegex(error.stderr, /at .*\.js:\d+/)
  const { stdout } = await run(process.execPath, ['dist/cli/onnsight.js', 'repl', '--help'])
  t.regex(stdout, /Usage: onnsight repl \[options\] <model>[\s\S]*Example:/)
})

test('entries are kept in the history file, the last one first', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'onnsight-repl-'))
  const history = join(folder, 'history')
  const own = await load('test/fixtures/models/chars.onnx')
  const input = new PassThrough()
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
  output.resume()
  const ended = runRepl(own, { input, output, history })
  const entries = Array.from({ length: 20 }, (_, i) => `${i} + ${i}`)
  for (const entry of entries) input.write(`${entry}\r`)
  input.end()
  await ended
  await own.release()
  t.deepEqual(readFileSync(history, 'utf8').split('\n'), entries.reverse())
  rmSync(folder, { recursive: true })
})

/** Types into the console as in a terminal. Each part is typed when the previous one has been answered. */
async function type(...parts: readonly string[]): Promise<string> {
  const own = await load('test/fixtures/models/chars.onnx')
  const input = new PassThrough()
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 200 })
  let text = ''
  output.on('data', (chunk: Buffer) => (text += chunk.toString()))
  let isOver = false
  const ended = runRepl(own, { input, output }).then(() => (isOver = true))
  // A line that is entered or discarded is answered by a prompt, after which the terminal's cursor is moved; a half-typed one by what was typed.
  const answered = async (typed: string): Promise<void> => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the terminal's codes begin with one.
    const answer = /[\r\u0003]$|^$/.test(typed) ? /(> |… )\u001b\[\d+G$/ : /\S$/
    while (!isOver && !answer.test(text)) await new Promise(done => setTimeout(done, 5))
  }
  await answered('')
  for (const part of parts) {
    text += '\n'
    input.write(part)
    await answered(part)
  }
  input.end()
  await ended
  await own.release()
  return text
}

test('Ctrl+C discards a half-typed line and keeps variables', async t => {
  const said = await type('x = 41\r', 'y = (((', '\u0003', 'x + 1\r', 'for i in 0:3\r', '\u0003', 'x + 2\r', 'exit\r')
  t.regex(said, /\n42\r?\n/)
  t.regex(said, /\n43\r?\n/)
  t.notRegex(said, /can't be read/)
})

test('Ctrl+C on an empty line says how to leave, and leaves the second time', async t => {
  const said = await type('x = 41\r', '\u0003', 'x + 1\r', '\u0003', '\u0003', 'x + 2\r')
  t.regex(said, /Press Ctrl\+C again to leave/)
  t.regex(said, /\n42\r?\n/)
  t.notRegex(said, /\n43\r?\n/)
})

test('exit, quit and help work without a dot, unless a variable has that name', async t => {
  for (const word of ['exit', 'quit', '.exit', '.quit', 'exit()', 'quit()'])
    t.is(await talk('1 + 1', word, '1 + 2'), '2', word)
  for (const word of ['help', '.help', 'help()']) t.regex(await talk(word), /\.tree +Show the modules/, word)
  t.is(await talk('help = 1', 'help + 1', 'exit = 2', 'exit', '1 + 6'), 'help: 1\n2\nexit: 2\n2\n7')
})
