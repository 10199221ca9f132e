import { fileURLToPath } from 'node:url'
import test from 'ava'
import macros from 'babel-plugin-macros'
import plugin from '#dist/macro/plugin.js'
import { babels } from './expand.ts'

const macroFile = fileURLToPath(new URL('../../trace.macro.js', import.meta.url))
const shells = { plugin, macros: [macros, { resolvePath: () => macroFile }] } as const

function compile(code: string, shell: keyof typeof shells, version: 7 | 8, sourceType: 'module' | 'script'): string {
  const result = babels[version].transformSync(code, {
    filename: '/project/src/x.js',
    cwd: '/project',
    configFile: false,
    babelrc: false,
    highlightCode: false,
    sourceType,
    plugins: [shells[shell] as never],
  })
  return result?.code ?? ''
}

const block = `
async function main() {
  await tr(m, x, () => {
    ok(m.a.output.gt(1))
    keep(m.a.output)
    gen(m, x, { maxNewTokens: 2 }, async () => {
      let h
      await t2(m, x, () => { h = m.a.output + 1 })
      inv(x, () => { say(h) })
    })
  })
}`

/** Imports of the names that the block uses, by any number of statements in any order. */
const names = [
  ['trace', 'tr'],
  ['assert', 'ok'],
  ['save', 'keep'],
  ['generate', 'gen'],
  ['trace', 't2'],
  ['invoke', 'inv'],
  ['print', 'say'],
] as const

type Take = (parts: readonly (readonly [string, string])[]) => string
const takes: Record<'module' | 'script', Take> = {
  module: parts =>
    `import { ${parts.map(([name, local]) => `${name} as ${local}`).join(', ')} } from 'onnsight/trace.macro'`,
  script: parts =>
    `const { ${parts.map(([name, local]) => `${name}: ${local}`).join(', ')} } = require('onnsight/trace.macro')`,
}

/** The code without the user's own text. */
const bare = (code: string): string => code.replace(/"\d+:\d+-(?:[^"\\]|\\.)*"/g, 'info')

/** The expanded code, without places. */
const meaning = (code: string): string =>
  bare(code)
    .replace(/_block\.at\(\d+, \d+\)/g, 'at')
    .replace(/\s+/g, '')

for (const sourceType of ['module', 'script'] as const)
  for (const shell of ['plugin', 'macros'] as const)
    for (const version of [7, 8] as const)
      test(`several ${sourceType === 'module' ? 'imports' : 'requires'} are expanded as one: ${shell}, Babel ${version}`, t => {
        const take = takes[sourceType]
        const one = meaning(compile(take(names) + block, shell, version, sourceType))
        t.regex(one, /await_block\.suspend\(_scope\d*,_onnsight\.assert/)
        const splits = [
          names.map(name => [name]),
          [names.slice(0, 3), names.slice(3)],
          [names.slice(4), names.slice(0, 4)],
          [...names].reverse().map(name => [name]),
        ]
        for (const parts of splits) {
          const code = compile(parts.map(take).join('\n') + block, shell, version, sourceType)
          t.notRegex(bare(code), /trace\.macro/)
          t.is(meaning(code), one)
        }
      })

test('a require in a function is expanded by either shell', t => {
  const code = `function f(m, x) { const { trace } = require('onnsight/trace.macro'); return trace(m, x, () => m.a.output) }`
  for (const shell of ['plugin', 'macros'] as const)
    t.regex(compile(code, shell, 7, 'script'), /_onnsight\.trace\(\[m, x\]/)
})

test('one of several imports may be a type, or have no names', t => {
  const code = `import 'onnsight/trace.macro'\nimport { trace } from 'onnsight/trace.macro'\nimport {} from 'onnsight/trace.macro'\ntrace(m, x, () => m.a.output)`
  for (const shell of ['plugin', 'macros'] as const) {
    const out = compile(code, shell, 7, 'module')
    t.regex(out, /_onnsight\.trace\(\[m, x\]/)
    t.notRegex(bare(out), /trace\.macro/)
  }
})

test('a default or a namespace beside other imports is refused', t => {
  const rest = "import { trace } from 'onnsight/trace.macro'\n"
  for (const shell of ['plugin', 'macros'] as const) {
    t.throws(
      () =>
        compile(
          `${rest}import o, { save } from 'onnsight/trace.macro'\no.trace(m, x, () => save(1))`,
          shell,
          7,
          'module',
        ),
      {
        message: /has no default export/,
      },
    )
    t.throws(
      () => compile(`${rest}import * as o from 'onnsight/trace.macro'\no.trace(m, x, () => 1)`, shell, 7, 'module'),
      {
        message: /import \* can't be expanded/,
      },
    )
  }
})

for (const shell of ['plugin', 'macros'] as const)
  for (const version of [7, 8] as const)
    test(`a require that is held as a whole, as TypeScript writes it for CommonJS, is expanded: ${shell}, Babel ${version}`, t => {
      const calls = (call: (name: string) => string): string => `
async function main() {
  let h
  await ${call('trace')}(m, x, () => { h = ${call('save')}(m.a.output.slice(${call('s')}\`:, -1\`)) })
  return ${call('trace')}(m, x, () => { ${call('skip')}(m.b, 0) })
}`
      const names = 'trace save s skip'.split(' ')
      const due = meaning(
        compile(
          `const { ${names.map(name => `${name}: _${name}`).join(', ')} } = require('onnsight/trace.macro')${calls(name => `_${name}`)}`,
          shell,
          version,
          'script',
        ),
      )
      for (const [call, sourceType] of [
        [(name: string) => `(0, macro_1.${name})`, 'script'],
        [(name: string) => `(0, macro_1.${name})`, 'module'],
        [(name: string) => `macro_1.${name}`, 'script'],
      ] as const) {
        const code = compile(
          `const macro_1 = require('onnsight/trace.macro')${calls(call)}`,
          shell,
          version,
          sourceType,
        )
        t.notRegex(bare(code), /macro_1|trace\.macro/)
        t.is(meaning(code), due)
      }
    })

test('a macro that is held as a whole and used in another way is refused', t => {
  for (const use of ['f(macro_1)', "macro_1['trace'](m, x, () => 1)", 'const { trace } = macro_1'])
    for (const shell of ['plugin', 'macros'] as const)
      t.throws(() => compile(`const macro_1 = require('onnsight/trace.macro')\n${use}`, shell, 7, 'script'), {
        message: /can't be held as a whole/,
      })
})

test('a form that is imported from the package itself is told where it comes from', t => {
  for (const name of ['trace', 'scan', 'edit', 'generate', 'session'])
    t.throws(() => compile(`import { load, ${name} } from 'onnsight'\n${name}(load)`, 'plugin', 7, 'module'), {
      message: new RegExp(`${name} comes from the macro\\. Write import \\{ ${name} \\} from 'onnsight/trace\\.macro'`),
    })
  t.notThrows(() => compile("import { load, save, invoke } from 'onnsight'\nsave(load, invoke)", 'plugin', 7, 'module'))
  t.notThrows(() => compile("import { trace } from './own'\ntrace()", 'plugin', 7, 'module'))
})
