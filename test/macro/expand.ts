import * as babel7 from '@babel/core'
import * as babel8 from 'babel-core-8'
import plugin from '#dist/macro/plugin.js'
import { Fake, runtime } from './fake-runtime.ts'

export const babels = { 7: babel7, 8: babel8 as unknown as typeof babel7 }

/** The names that onnsight/trace.macro exports. */
export const forms = [
  'trace',
  'scan',
  'edit',
  'session',
  'generate',
  'iter',
  'all',
  'next',
  'cache',
  'invoke',
  'barrier',
  'print',
  'assert',
  'save',
  'stop',
  'skip',
  's',
]

export const IMPORT = `import { ${forms.join(', ')} } from 'onnsight/trace.macro'\n`

export interface ExpandOptions {
  readonly version?: 7 | 8
  readonly filename?: string
  readonly sourceType?: 'module' | 'script'
}

export function expand(
  code: string,
  { version = 7, filename = '/project/src/x.ts', sourceType = 'module' }: ExpandOptions = {},
): string {
  const result = babels[version].transformSync(code, {
    filename,
    cwd: '/project',
    configFile: false,
    babelrc: false,
    highlightCode: false,
    sourceType,
    parserOpts: {
      plugins: filename.endsWith('.js') ? ['jsx'] : filename.endsWith('x') ? ['typescript', 'jsx'] : ['typescript'],
    },
    plugins: [[plugin, { runtime: 'fake-runtime' }]],
  })
  return result?.code ?? ''
}

/** Expands a body of an async function and runs it on the fake runtime. */
export async function run(
  body: string,
  scope: Record<string, unknown> = {},
  fake = new Fake(),
): Promise<{ result: unknown; fake: Fake }> {
  const code = expand(`${IMPORT}async function main() {\n${body}\n}`, { filename: '/project/src/x.js' })
  const script = code.replace(/import \* as (\w+) from "fake-runtime";/, 'const $1 = __runtime;')
  const names = ['__runtime', ...Object.keys(scope)]
  const main = new Function(...names, `'use strict';\n${script}\nreturn main;`)(
    runtime(fake),
    ...Object.values(scope),
  ) as () => Promise<unknown>
  return { result: await main(), fake }
}
