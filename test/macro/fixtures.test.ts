import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import macros from 'babel-plugin-macros'
import plugin from '#dist/macro/plugin.js'
import { babels } from './expand.ts'

const macroFile = fileURLToPath(new URL('../../trace.macro.js', import.meta.url))
const folder = fileURLToPath(new URL('./fixtures/', import.meta.url))

/** Compiles a fixture as a project would: with the plugin or with babel-plugin-macros, by either Babel. */
function compile(name: string, version: 7 | 8, shell: 'plugin' | 'macro'): string {
  const result = babels[version].transformSync(readFileSync(folder + name, 'utf8'), {
    filename: folder + name,
    cwd: folder,
    configFile: false,
    babelrc: false,
    sourceType: name.endsWith('.cjs') ? 'script' : 'module',
    parserOpts: { plugins: name.endsWith('.ts') ? ['typescript'] : [] },
    plugins: [shell === 'plugin' ? plugin : [macros, { resolvePath: () => macroFile }]],
  })
  return result?.code ?? ''
}

for (const name of readdirSync(folder).sort()) {
  test(`${name} becomes what it became, whichever way it is compiled`, t => {
    const code = compile(name, 7, 'plugin')
    t.snapshot(code)
    t.is(compile(name, 7, 'macro'), code, 'babel-plugin-macros, Babel 7')
    t.is(unwrapped(compile(name, 8, 'plugin')), unwrapped(code), 'the plugin, Babel 8')
    t.is(unwrapped(compile(name, 8, 'macro')), unwrapped(code), 'babel-plugin-macros, Babel 8')
  })
}

/** The code without white space, because the two printers break lines differently. */
function unwrapped(code: string): string {
  return code.replace(/\s+/g, '')
}
