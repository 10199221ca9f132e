import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import test from 'ava'
import { onnsight } from './spawn.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-advice-'))
const chars = resolve('test/fixtures/models/chars.onnx')
test.before(() => {
  mkdirSync(join(folder, 'empty'))
  mkdirSync(join(folder, 'models'))
  writeFileSync(join(folder, 'models', 'a.onnx'), 'x')
  writeFileSync(join(folder, 'notes.txt'), 'Some notes,\nwithout a model in them — “none”.\n')
})
test.after.always(() => rmSync(folder, { recursive: true }))

/** TypeScript code, which nobody can type into a shell. */
const TYPESCRIPT = /=>|\bawait\b|load\(|pass \{|\{ \w+: |console\.log|arrow function/

const COMMANDS = ['inspect', 'run', 'profile', 'types', 'repl', 'view', 'edit']

// All commands open models in the same way, so try one path on all commands and the others on two.
for (const [what, path, says] of [
  ['a path that leads nowhere', 'model.onnx', /There is no file model\.onnx\.[\s\S]*check the path/],
  ['a folder', 'empty', /empty can't be read: it is a folder\.\n {2}Do this: give the path of a \.onnx file/],
  [
    'a folder with a model',
    'models',
    /it is a folder that holds a\.onnx\.\n {2}Do this: name the file: models\/a\.onnx/,
  ],
  [
    'an address',
    'https://example.org/m.onnx',
    /from the disk, but this is the address https:\/\/example\.org\/m\.onnx\.\n {2}Do this: .*curl -LO https:\/\/example\.org\/m\.onnx/,
  ],
  ['a text', 'notes.txt', /notes\.txt is not an ONNX model: it is a text file\.\n {2}Do this: /],
] as const)
  for (const command of path === 'model.onnx' ? COMMANDS : COMMANDS.slice(0, 2))
    test(`${command}: ${what} as the model is one clear error`, async t => {
      const more = command === 'edit' ? ['--template', 'skip transformer', '--output', 'x.onnx'] : []
      const { code, stdout, stderr } = await onnsight([command, path, ...more], { cwd: folder })
      t.is(code, 1)
      t.is(stdout, '')
      t.regex(stderr, says)
      t.notRegex(stderr, TYPESCRIPT)
      t.is(stderr.match(/Do this/g)?.length, 1, stderr)
      t.true(stderr.trim().split('\n').length <= 2, stderr)
    })

for (const [args, code, says] of [
  [['run', chars], 1, /--input 'input_ids=\[\[1, 2, 3\]\]'/],
  [['run', chars, '--input', 'input_ids=[[1]]', '--provider', 'cuda'], 1, /leave out --provider cuda/],
  [
    ['run', chars, '--input', 'input_ids=[[1]]', '--template', 'save x = if'],
    1,
    /Do this: write where\(condition, a, b\)$/m,
  ],
  [['run', chars, '--input', 'input_ids=[[1]]', '--template', 'f = lambda x: x'], 1, /lambda can't be used as a value/],
  [
    ['run', chars, '--input', 'input_ids=[[1]]', '--template', 'x = lm_head.output * transformer.wte.output'],
    1,
    /compare the dims of both sides/,
  ],
  [
    ['run', chars, '--input', 'input_ids=[[1]]', '--template', 'save lm_head.output'],
    1,
    /Do this: write save NAME = lm_head/,
  ],
  [['edit', chars, '--template', 'save x = lm_head.output', '--output', 'x.onnx'], 1, /<template> changes nothing/],
  [['edit', chars, '--template', 'x = 1', '--output', 'x.onnx'], 1, /<template> changes nothing/],
  [['edit', chars, '--output', 'x.onnx'], 2, /--template '/],
  [['rnu', chars], 2, /Did you mean run\?/],
  [['inspect', chars, '--jsn'], 2, /Did you mean --json\?/],
  [['inspect'], 2, /missing required argument 'model'/],
] as const)
  test(`${args.map(arg => (arg === chars ? 'chars.onnx' : arg)).join(' ')}: says what to type`, async t => {
    const ended = await onnsight(args, { cwd: folder })
    t.is(ended.code, code)
    t.regex(ended.stderr, says)
    t.notRegex(ended.stderr, TYPESCRIPT)
  })

test('the help of every command has an example', async t => {
  const { stdout } = await onnsight(['--help'])
  const names = Array.from(stdout.matchAll(/^ {2}([a-z-]+) (?:\[|<)/gm), ([, name]) => name).filter(
    name => name !== 'help',
  )
  t.true(names.length > 9, stdout)
  for (const name of names) {
    const { stdout: help } = await onnsight([name, '--help'])
    t.regex(help, new RegExp(`Examples?.*:\\n(.*\\n)*? *(echo .*)?onnsight ${name}`), name)
  }
})
