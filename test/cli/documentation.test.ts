import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import test from 'ava'
import { makeProgram } from '#dist/cli/program.js'
import { type NodeProto, StringStringEntryProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { floats, graph, model as modelOf, node, OnnxType, saved, value } from '../model/hand-graph.ts'
import { onnsight } from './spawn.ts'

const page = readFileSync('docs/command-line.md', 'utf8')
const program = makeProgram()
const folder = mkdtempSync(join(tmpdir(), 'onnsight-documentation-'))
test.after.always(() => rmSync(folder, { recursive: true }))

/** The section of the page with this heading. */
function section(name: string): string {
  const [, text] = new RegExp(`^## ${name}\\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, 'm').exec(page) ?? []
  if (text === undefined) throw new Error(`docs/command-line.md has no section ${name}.`)
  return text
}

const match = (text: string, pattern: RegExp): string[] => Array.from(text.matchAll(pattern), ([, found]) => found)

test('the page documents exactly the commands of the program, in their order', t => {
  const names = program.commands.map(command => command.name())
  t.deepEqual(match(page, /^## (.+)$/gm), names)
  t.deepEqual(match(page, /^\| \[`([\w-]+)`\]\(#[\w-]+\)/gm), names)
})

for (const command of program.commands) {
  test(`${command.name()}: the page documents exactly its options`, t => {
    const documented = match(section(command.name()), /^\| `(--[^`]+)`/gm)
    t.deepEqual(
      documented,
      command.options.map(({ flags }) => flags),
    )
    for (const { argChoices = [], long } of command.options) {
      const [, row] = new RegExp(`^\\| \`${long} [^\`]*\` *\\| (.*)$`, 'm').exec(section(command.name())) ?? []
      for (const choice of argChoices) t.true(row?.includes(`\`${choice}\``), `${long}: ${choice}`)
    }
  })
}

test('the page and the help list the exit codes', async t => {
  t.deepEqual(match(page, /^\| (\d) {2,}\|/gm), ['0', '1', '2'])
  const { stdout } = await onnsight(['--help'])
  t.regex(stdout, /Exit codes: 0 .*, 1 .*, 2 /)
})

/** All lines of a text that call the command. */
const calls = [
  ...['README.md', ...readdirSync('docs').flatMap(name => (name.endsWith('.md') ? [`docs/${name}`] : []))].map(file => [
    file,
    readFileSync(file, 'utf8'),
  ]),
  ...program.commands.map(command => {
    let help = ''
    command.configureOutput({ writeOut: text => (help += text) }).outputHelp()
    return [`--help of ${command.name()}`, help]
  }),
].flatMap(([file, text]) =>
  // In prose a sentence may begin with the name.
  match(
    text,
    file.endsWith('.md') ? /(?:npx |`|\$ )(onnsight [a-z]+[^\n`|)]*)/g : /^ *(onnsight [a-z]+[^\n`|)]*)/gm,
  ).map(line => [file, line] as const),
)

test('every example calls an existing command with its own options', t => {
  t.true(calls.length > 25)
  for (const [file, line] of calls) {
    const name = /^onnsight ([\w-]+)/.exec(line)![1]
    if (name === 'help') continue
    const command = program.commands.find(other => other.name() === name)
    t.truthy(command, `${file}: ${line}`)
    // A text in quotes is the value of an option.
    for (const option of line.replace(/'[^']*'|"[^"]*"/g, '').match(/--[a-z-]+/g) ?? [])
      t.true(option === '--help' || command!.options.some(({ long }) => long === option), `${file}: ${line}: ${option}`)
  }
})

/** Objects whose keys are names from the model. */
const named = new Set(['opsets', 'operations', 'results'])

/** The paths of all keys in a JSON value. The elements of an array share a path. */
function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value))
    return [...new Set(value.flatMap(item => shapeOf(item, path.endsWith('[]') ? path : `${path}[]`)))].sort()
  if (typeof value !== 'object' || value === null) return [path]
  const keys = Object.entries(value).flatMap(([key, item]) => {
    const isNamed = !Array.isArray(value) && named.has(path.split('.').at(-1)!)
    return shapeOf(item, isNamed && typeof item !== 'string' ? `${path}.*` : `${path}.${key}`)
  })
  return [...new Set(keys)].sort()
}

const chars = 'test/fixtures/models/chars.onnx'
const input = ['--input', 'input_ids=[[1, 2]]']

/** A model whose file has class names, as torch.onnx.export(dynamo=True) writes them. */
const classes = saved(
  modelOf(
    graph({
      inputs: [value('x', OnnxType.FLOAT, ['batch', 8])],
      initializers: [floats('head.weight', [8, 4], new Array(32).fill(0.5))],
      nodes: [
        withClasses(
          node('MatMul', ['x', 'head.weight'], ['y'], {}, 'node_linear'),
          'head',
          'torch.nn.modules.linear.Linear',
        ),
        withClasses(node('Relu', ['y'], ['z'], {}, 'node_relu'), 'act', 'torch.nn.modules.activation.ReLU'),
      ],
      outputs: [value('z', OnnxType.FLOAT, ['batch', 4])],
    }),
  ),
)

function withClasses(proto: NodeProto, scope: string, className: string): NodeProto {
  const entry = (key: string, names: readonly string[]) =>
    create(StringStringEntryProtoSchema, { key: `pkg.torch.onnx.${key}`, value: `['${names.join("', '")}']` })
  proto.metadataProps.push(
    entry('name_scopes', ['', scope, proto.name]),
    entry('class_hierarchy', ['Model', className, 'aten.op']),
  )
  return proto
}

for (const [name, number, args] of [
  ['inspect', 0, ['inspect', classes, '--json']],
  ['run', 0, ['run', chars, ...input, '--json']],
  ['run', 1, ['run', chars, ...input, '--json', '--output', join(folder, 'logits.npy')]],
  ['profile', 0, ['profile', classes, '--runs', '2', '--json']],
  ['types', 0, ['types', chars, '--out', join(folder, 'a.d.ts'), '--json']],
  ['example-model', 0, ['example-model', '--to', folder, '--json']],
  ['doctor', 0, ['doctor', '--project', folder, '--json']],
] as const) {
  test(`${name}: --json prints the keys of example ${number + 1} on the page`, async t => {
    const examples = match(section(name), /```json\n([\s\S]*?)```/g)
    const { stdout, stderr } = await onnsight(args)
    t.is(stderr, '')
    const documented = shapeOf(JSON.parse(examples[number]))
    const real = shapeOf(JSON.parse(stdout))
    // The elements of an empty list have no keys to compare.
    const missing = documented.filter(path => !real.includes(path) && !/^\.branches/.test(path))
    t.deepEqual(missing, [], 'on the page, and not printed')
    const extra = real.filter(path => !documented.includes(path))
    t.deepEqual(extra, [], 'printed, and not on the page')
  })
}
