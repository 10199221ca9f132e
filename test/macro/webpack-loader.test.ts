import { SourceMap, type SourceMapPayload } from 'node:module'
import { resolve } from 'node:path'
import test from 'ava'
import loader from '#dist/macro/bundlers/webpack-loader.js'

// Tests the loader by itself. test/apps uses it with webpack and Turbopack.

interface Answer {
  readonly error: unknown
  readonly code?: string
  readonly map?: object
}

function load(resourcePath: string, code: string, map?: object): Promise<Answer> {
  return new Promise(done => {
    const async = () => (error: unknown, code?: string, map?: object) => done({ error, code, map })
    loader.call({ resourcePath, rootContext: resolve('.'), async }, code, map)
  })
}

const SOURCE = `import { trace } from 'onnsight/trace.macro'

interface Shown { readonly logits: unknown }
export const look = (model: any): Promise<Shown> =>
  trace(model, [[1]], () => {
    return { logits: model.lm_head.output satisfies object }
  })
`

test('the macro is expanded, TypeScript stays, and the map leads to the file’s own lines', async t => {
  const { error, code, map } = await load(resolve('lib/look.ts'), SOURCE)
  t.is(error, null)
  t.regex(code!, /from ['"]onnsight\/internal['"]/)
  t.notRegex(code!, /from ['"]onnsight\/trace\.macro['"]/)
  t.regex(code!, /interface Shown/)
  const lines = code!.split('\n')
  const line = lines.findIndex(text => /^ *return \{/.test(text))
  const found = new SourceMap(map as SourceMapPayload).findEntry(line, lines[line].indexOf('return')) as {
    originalLine: number
    originalColumn: number
    originalSource: string
  }
  t.deepEqual([found.originalLine, found.originalColumn], [5, 4])
  t.is(found.originalSource, resolve('lib/look.ts'))
})

test('other files go through as they are, with the map that they had', async t => {
  const map = { version: 3, mappings: '' }
  for (const [path, code] of [
    ['lib/other.ts', 'export const n: number = 1 // é\n'],
    ['lib/comment.ts', '// of onnsight/trace.macro\nexport const n: number = 1\n'],
    ['node_modules/other/look.ts', SOURCE],
  ] as const)
    t.deepEqual(await load(resolve(path), code, map), { error: null, code, map })
})

const WRONG = `const last = 1\n${SOURCE.replace('return {', 'last = 2; return {')}`

test('an error is a plain one, with the place and a code frame', async t => {
  const { error, code } = await load(resolve('lib/look.ts'), WRONG)
  t.is(code, undefined)
  t.true(error instanceof Error)
  const { message, stack, cause } = error as Error
  t.is(Object.getPrototypeOf(error), Error.prototype)
  t.is(cause, undefined)
  t.is(stack, `Error: ${message}`)
  t.regex(message, /^lib\/look\.ts:7:5: last is assigned [\s\S]*> 7 \|/)
})
