import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as babel from '@babel/core'
import type * as types from '@babel/types'

/** An operation, read from its declaration and its docstring. */
export interface Entry {
  readonly name: string
  /** The ways to call it, such as `sum(dims?, options?)`. */
  readonly calls: readonly string[]
  readonly text: string
}

/** The families, in the order of the page: the declared object, and its title. */
const families = [
  ['elementwise', 'Arithmetic and functions of single elements'],
  ['comparison', 'Comparisons and logic'],
  ['cast', 'Element types'],
  ['reduce', 'Reductions and sorting'],
  ['linalg', 'Products of matrices'],
  ['activation', 'Activations and normalisations'],
  ['loss', 'Losses and similarities'],
  ['shape', 'Dims'],
  ['arrange', 'Order of elements'],
  ['join', 'Joining and splitting'],
  ['gather', 'Reading and writing by index'],
  ['slice', 'Slices'],
  ['assign', 'Copies with a part replaced'],
  ['gradient', 'Gradients'],
] as const

const ops = 'dist/runtime/tensor/ops'

/** Writes docs/operations.md from the declarations. */
export function document(): string {
  const parts = [head]
  for (const [file, title] of families) parts.push(section(title, methodsOf(join(ops, `${file}.d.ts`))))
  parts.push(section('Functions that create or join tensors', functions()))
  parts.push(section('Other members of a tensor', membersOf('dist/runtime/tensor/tensor.d.ts')))
  return `${parts.join('\n')}`
}

const head = `# Tensor operations

A tensor has these operations, with PyTorch’s names in camelCase and PyTorch's meaning. In a block they are recorded and become part of the model’s graph. Outside a block,
\`await t.softmax(-1).value()\` computes them with onnxruntime. In the [template language](template.md) the same names are functions.

\`\`\`ts
import { load, tensor } from 'onnsight'
import { trace } from 'onnsight/trace.macro'

const model = await load('chars.onnx')
const best = await trace(model, [[18, 47, 56, 57]], () => model.lm_head.output.softmax(-1).topk(3)) // in a block
console.log(best.indices.dims) // [ 1, 4, 3 ]

const sum = await tensor([1, 2, 3]).mul(2).sum().value() // outside
console.log(sum.item()) // 12
\`\`\`

- An operand of type \`TensorLike\` is a tensor, a number, a bool, a typed array or nested arrays. Dims broadcast and dtypes promote as in PyTorch.
- A negative \`dim\` counts from the end. \`dims\` is one dim or a list of dims; without it, an operation works on all dims.
- Options are an object at the end: \`h.sum(-1, { keepdim: true })\`.
- In a block in JavaScript you can write \`+ - * / ** %\` and comparisons as operators. In TypeScript, and without Babel, use the methods \`add\`,
  \`sub\`, \`mul\`, \`div\`, \`pow\`, \`mod\`, \`gt\` ….

\`npm run operations\` makes this page from the code.
`

function section(title: string, entries: readonly Entry[]): string {
  const rows = entries.map(
    ({ calls, text }) =>
      `| ${calls.map(call => `\`${call.replaceAll('|', '\\|')}\``).join('<br>')} | ${text.replaceAll('|', '\\|')} |`,
  )
  return `## ${title}\n\n| operation | result |\n| --- | --- |\n${rows.join('\n')}\n`
}

/** The methods of the object that a file declares. */
function methodsOf(file: string): Entry[] {
  const { source, program } = parse(file)
  const all = declarations(program)
  const object = all.find(
    (statement): statement is types.VariableDeclaration =>
      statement.type === 'VariableDeclaration' && typeOf(statement)?.type === 'TSTypeLiteral',
  )
  if (!object) throw new Error(`${file} declares no object of operations.`)
  return (typeOf(object) as types.TSTypeLiteral).members.flatMap((member): Entry[] => {
    if (member.type !== 'TSMethodSignature' && member.type !== 'TSPropertySignature') return []
    const { name } = member.key as types.Identifier
    const calls =
      member.type === 'TSMethodSignature'
        ? [callOf(name, member.parameters, source)]
        : all.flatMap(other =>
            other.type === 'TSDeclareFunction' && other.id?.name === name ? [callOf(name, other.params, source)] : [],
          )
    if (calls.length === 0) throw new Error(`${file}: what ${name} takes is not declared there.`)
    return [{ name, calls, text: textOf(member, `${file}: ${name}`) }]
  })
}

/** The functions that are imported by name. */
function functions(): Entry[] {
  const found = new Map<string, Entry>()
  for (const file of [
    'creation/creation',
    'creation/random',
    'ops/comparison',
    'ops/einsum',
    'ops/gradient',
    'ops/jvp',
    'ops/join',
  ]) {
    const path = `dist/runtime/tensor/${file}.d.ts`
    const { source, program } = parse(path)
    const exported = new Set(
      file === 'creation/creation'
        ? ['tensor']
        : file === 'creation/random'
          ? []
          : ['where', 'einsum', 'grad', 'jvp', 'detach', 'cat', 'stack'],
    )
    for (const statement of program.body) {
      const inner = statement.type === 'ExportNamedDeclaration' ? statement.declaration : undefined
      if (inner?.type !== 'TSDeclareFunction' || !inner.id) continue
      const { name } = inner.id
      if (file.startsWith('ops/') && !exported.has(name)) continue
      const call = callOf(name, inner.params, source)
      const before = found.get(name)
      found.set(
        name,
        before
          ? { ...before, calls: [...before.calls, call] }
          : { name, calls: [call], text: textOf(statement, `${path}: ${name}`) },
      )
    }
  }
  return [...found.values()]
}

/** The getters and methods of the class, without those for the library’s own use. */
function membersOf(file: string): Entry[] {
  const { source, program } = parse(file)
  const found = declarations(program).find(
    (statement): statement is types.ClassDeclaration => statement.type === 'ClassDeclaration',
  )
  return (found?.body.body ?? []).flatMap((member): Entry[] => {
    if (member.type !== 'TSDeclareMethod' || member.static || member.key.type !== 'Identifier' || member.computed)
      return []
    if (member.kind === 'constructor' || commentOf(member).includes('@internal')) return []
    const { name } = member.key
    const call = member.kind === 'get' ? name : callOf(name, member.params, source)
    return [{ name, calls: [call], text: textOf(member, `${file}: ${name}`) }]
  })
}

function parse(file: string): { source: string; program: types.Program } {
  const source = readFileSync(file, 'utf8')
  const parsed = babel.parseSync(source, {
    configFile: false,
    babelrc: false,
    sourceType: 'module',
    parserOpts: { plugins: [['typescript', { dts: true }]] },
  })
  return { source, program: parsed!.program }
}

function declarations(program: types.Program): types.Statement[] {
  return program.body.map(statement =>
    statement.type === 'ExportNamedDeclaration' && statement.declaration ? statement.declaration : statement,
  )
}

function typeOf(statement: types.VariableDeclaration): types.TSType | undefined {
  const { id } = statement.declarations[0]
  const annotation = id.type === 'Identifier' ? id.typeAnnotation : undefined
  return annotation?.type === 'TSTypeAnnotation' ? annotation.typeAnnotation : undefined
}

/** A call as text, `topk(k, dim?, { largest, sorted }?)`. It has no types, because editors show them. */
function callOf(name: string, parameters: readonly types.Node[], source: string): string {
  const shown = parameters.flatMap((parameter): string[] => {
    if (parameter.type === 'Identifier')
      return parameter.name === 'this' ? [] : [`${parameter.name}${parameter.optional ? '?' : ''}`]
    if (parameter.type === 'RestElement') return [`…${(parameter.argument as types.Identifier).name}`]
    if (parameter.type === 'ObjectPattern') {
      const names = parameter.properties.map(property =>
        property.type === 'ObjectProperty' ? (property.key as types.Identifier).name : '…options',
      )
      return [`{ ${names.join(', ')} }${parameter.optional ? '?' : ''}`]
    }
    return [source.slice(parameter.start!, parameter.end!)]
  })
  return `${name}(${shown.join(', ')})`
}

const commentOf = (node: types.Node): string => node.leadingComments?.at(-1)?.value ?? ''

/** The docstring without its tags. @throws Error if there is none */
function textOf(node: types.Node, where: string): string {
  const text = commentOf(node)
    .split(/\n?\s*\*? ?@\w+/)[0]
    .replace(/^\*/, '')
    .replace(/\s*\n\s*\* ?/g, ' ')
    .trim()
  if (text === '') throw new Error(`${where} has no docstring.`)
  return text
}
