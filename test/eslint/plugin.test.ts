import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import test from 'ava'
import { Linter } from 'eslint'
import { Linter as Linter9 } from 'eslint-9'
import { load, Tensor, tensor, zeros } from 'onnsight'
import onnsight from 'onnsight/eslint'
import typescript from 'typescript-parser'
import {
  methodsWithoutResult,
  modelMembers,
  moduleMembers,
  newTensorMethods,
  sameTensorMethods,
  severalTensorMethods,
  tensorMethods,
  valueMembers,
} from '#dist/eslint/reading/known-names.js'
import { otherModelMembers, modelMembers as realModelMembers } from '#dist/runtime/model/model.js'
import { reservedNames } from '#dist/runtime/names/reserved.js'
import { methodArguments, signatureOf } from '#dist/runtime/tensor/arguments/signatures.js'

const files = ['**/*.ts', '**/*.js', '**/*.mjs']
const config: Linter.Config[] = [
  { files, languageOptions: { parser: typescript } },
  { files, ...onnsight.configs.recommended },
]

function lint(code: string, name: string): string[] {
  return new Linter()
    .verify(code, config, name)
    .map(({ line, ruleId, message }) => `${name}:${line} ${ruleId} ${message}`)
}

/** The files in a folder of this repository that use the macro. */
function filesWithMacro(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(path => /\.(ts|js|mjs|cjs)$/.test(path) && !/node_modules|\/\.|^test\/eslint/.test(path))
    .filter(path => /trace\.macro|\.trace\(/.test(readFileSync(path, 'utf8')))
}

/** Tests that cause an error on purpose, and the rules that report it. */
const provoked: Readonly<Record<string, readonly string[]>> = {
  'test/tracing/print.test.ts': ['onnsight/no-write-after-value'],
  'test/tracing/semantics.test.ts': ['onnsight/no-write-after-value'],
}

for (const folder of ['examples', 'bench', 'test'])
  test(`no false alarm in ${folder}/`, t => {
    const paths = filesWithMacro(folder)
    t.true(paths.length >= 4)
    for (const path of paths) {
      const found = lint(readFileSync(path, 'utf8'), path)
      t.deepEqual(
        found.map(line => line.split(' ')[1]),
        [...(provoked[path] ?? [])],
        found.join('\n'),
      )
    }
  })

const imports = `import { load } from 'onnsight'
import { assert, barrier, cache, edit, invoke, print, s, save, scan, session, skip, stop, trace } from 'onnsight/trace.macro'
const model = await load('x')
`

/** The programs in a document, with the imports that it leaves out. */
function snippets(file: string): { heading: string; code: string }[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(found => ({
    heading: [...text.slice(0, found.index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? '',
    code: imports + found[1].replace(/^import .*$/gm, '').replace(/const model = /g, 'const opened = '),
  }))
}

for (const file of [
  'README.md',
  ...readdirSync('docs').flatMap(name => (name.endsWith('.md') ? [`docs/${name}`] : [])),
]) {
  if (file === 'docs/errors.md' || file === 'docs/eslint.md') continue
  test(`no false alarm in ${file}`, t => {
    t.plan(snippets(file).length + 1)
    t.pass()
    for (const { code } of snippets(file)) t.deepEqual(lint(code, `${file}.ts`), [])
  })
}

test('of the programs in docs/errors.md, the rules report exactly those with the errors that they are for', t => {
  const found = snippets('docs/errors.md').flatMap(({ heading, code }) => {
    const rules = new Set(lint(code, 'x.ts').map(line => line.split(' ')[1].replace('onnsight/', '')))
    return [...rules].map(rule => `${heading}: ${rule}`)
  })
  t.deepEqual(found, [
    // The condition itself fails first; the write after it would also be too late.
    '`condition`: no-write-after-value',
    '`macro-not-expanded`: no-unexpanded-import',
    '`not-saved`: no-unsaved-use',
    '`out-of-order`: no-write-after-value',
  ])
})

test('recommended has all rules as errors, and both versions of ESLint accept it', t => {
  const { recommended } = onnsight.configs
  t.deepEqual(
    Object.keys(recommended.rules ?? {}),
    Object.keys(onnsight.rules).map(name => `onnsight/${name}`),
  )
  t.deepEqual(new Set(Object.values(recommended.rules ?? {})), new Set(['error']))
  for (const Class of [Linter, Linter9 as unknown as typeof Linter]) {
    const [message] = new Class().verify("export * from 'onnsight/trace.macro'", [recommended])
    t.is(message.ruleId, 'onnsight/no-unexpanded-import')
  }
})

test('the plugin imports neither ESLint nor the runtime', t => {
  const names = readdirSync('eslint', { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
  const imported = names.flatMap(name =>
    [...readFileSync(join('eslint', name), 'utf8').matchAll(/^(?:import|export) (?!type )[^']*from '(.*)'$/gm)].map(
      found => found[1],
    ),
  )
  t.true(imported.length > 10)
  t.deepEqual(sorted(imported.filter(from => !/^(\.|\.\.)\/(rules\/|reading\/)?[\w-]+\.ts$/.test(from))), [
    '../../macro/forms.ts',
  ])
})

/* What the rules know of the runtime. */

const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort()

test('the listed members of modules and models are those of the runtime', t => {
  t.deepEqual(sorted(moduleMembers), sorted(reservedNames))
  t.deepEqual(sorted(modelMembers), sorted([...realModelMembers, ...otherModelMembers, 'then']))
})

test('the listed operations are exactly those of tensors', t => {
  t.deepEqual(
    sorted([...tensorMethods, ...severalTensorMethods, ...methodsWithoutResult]),
    sorted(Object.keys(methodArguments)),
  )
  t.true([...newTensorMethods].every(name => tensorMethods.has(name)))
})

/** Arguments with which an operation leaves the elements as they are, or changes as little as possible. */
const neutralArguments: Readonly<Record<string, unknown[]>> = {
  layerNorm: [1],
  crossEntropy: [[0]],
  klDiv: [[[0]]],
  cosineSimilarity: [[[1]], -1],
  mseLoss: [[[0]]],
  where: [true, 0],
  pow: [1],
  matmul: [[[1]]],
  rmatmul: [[[1]]],
  clamp: [-1e9, 1e9],
  cumsum: [0],
}

test('operations that are listed as returning a new tensor do so, even if they change nothing', t => {
  const one = (name: string): Tensor => {
    if (/^(and|or|xor|not)$/.test(name)) return tensor([[true]])
    if (name === 'bmm') return zeros([1, 1, 1])
    return name === 'dot' || name === 'outer' ? tensor([1]) : tensor([[1]])
  }
  for (const name of newTensorMethods) {
    const operand = one(name)
    const same =
      name === 'bmm'
        ? [zeros([1, 1, 1])]
        : /^(and|or|xor)$/.test(name)
          ? [true]
          : name === 'dot' || name === 'outer'
            ? [[1]]
            : [1]
    const { plain, rest } = signatureOf(methodArguments[name])
    const args = (neutralArguments[name] ?? same).slice(0, rest ? undefined : plain.length)
    const method = (operand as unknown as Record<string, (...args: unknown[]) => unknown>)[name]
    const result = method.apply(
      operand,
      /^(argmax|argmin|norm|logsumexp|softmax|logSoftmax|cumsum)$/.test(name) ? [0] : args,
    )
    t.true(result instanceof Tensor, name)
    t.not(result, operand, name)
  }
  for (const name of sameTensorMethods) {
    const operand = tensor([1])
    t.is((operand as unknown as Record<string, () => Tensor>)[name](), operand)
  }
})

test('members that are listed as needing a value throw after the trace', async t => {
  const model = await load('examples/models/chars.onnx')
  let h!: Tensor
  await model.trace([[1, 2]], m => {
    h = m.transformer.h[1].output
    return m.lm_head.output
  })
  for (const name of valueMembers) {
    await t.throwsAsync(
      async () => {
        const member = (h as unknown as Record<string, unknown>)[name]
        if (typeof member === 'function') await member.call(h)
      },
      { code: 'not-saved' },
      name,
    )
  }
  for (const name of ['dims', 'type', 'rank', 'size', 'computed', 'toString']) t.notThrows(() => Reflect.get(h, name))
  await model.release()
})

const code = `import { trace } from 'onnsight/trace.macro'
trace(model, {}, () => {})
`

for (const [name, text] of Object.entries({
  'a list of configurations': `export default [onnsight.configs.recommended]`,
  'defineConfig, with extends': `import { defineConfig } from 'eslint/config'
export default defineConfig({ files: ['**/*.mjs'], plugins: { onnsight }, extends: ['onnsight/recommended'] })`,
  'rules of one’s own': `export default [{ plugins: { onnsight }, rules: { 'onnsight/require-await-trace': 'error' } }]`,
})) {
  test(`ESLint’s command, with ${name}`, async t => {
    const folder = mkdtempSync('test/eslint/.project-')
    try {
      writeFileSync(join(folder, 'eslint.config.mjs'), `import onnsight from 'onnsight/eslint'\n${text}\n`)
      writeFileSync(join(folder, 'file.mjs'), code)
      const { stdout, status } = spawnSync(
        process.execPath,
        [resolve('node_modules/eslint/bin/eslint.js'), '--format', 'json', 'file.mjs'],
        { cwd: folder, encoding: 'utf8', env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: undefined } },
      )
      t.is(status, 1)
      const [{ messages }] = JSON.parse(stdout) as [{ messages: { ruleId: string; line: number }[] }]
      t.deepEqual(
        messages.map(({ ruleId, line }) => [ruleId, line]),
        [['onnsight/require-await-trace', 2]],
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
}
