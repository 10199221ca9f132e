import { execFile } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const run = promisify(execFile)
const env = { ...process.env, FORCE_COLOR: '0', NO_COLOR: undefined, NODE_OPTIONS: undefined }

async function withProgram<R>(name: string, text: string, use: (path: string) => Promise<R>): Promise<R> {
  const path = `test/macro/.${name}.ts`
  writeFileSync(path, text)
  try {
    return await use(path)
  } finally {
    rmSync(path)
  }
}

const program = `import { load } from 'onnsight'
import { trace } from 'onnsight/trace.macro'

const model = await load('test/fixtures/models/chars.onnx')
let seen: unknown
await trace(model, [[1, 2]], async () => {
  const h = model.transformer.h[1].output
  const later = await h.sum().value()
  seen = later.item()
  return h
})
console.log(typeof seen)
`

for (const [line, column, value] of [
  [8, 3, 'Tensor(transformer.h.1.output, float32 [1, 2, 128], not computed: await h.value(), or save(h)) undefined'],
  [9, 3, 'Tensor(transformer.h.1.output, float32 [1, 2, 128], not computed: await h.value(), or save(h)) object'],
] as const) {
  test(`a breakpoint at line ${line} of a block stops there, with the block’s variables`, async t => {
    await withProgram(`break-${line}`, program, async path => {
      const url = pathToFileURL(path).href
      const child = ['--import', 'onnsight/register', 'test/macro/breakpoint-child.mjs', url, String(line)]
      const { stdout } = await run(process.execPath, child, { env, timeout: 60_000 })
      const lines = stdout.trim().split('\n')
      const stopped = lines.filter(text => text.startsWith('{')).map(text => JSON.parse(text) as unknown)
      t.deepEqual(stopped, [{ line, column, value }])
      t.true(lines.includes('number'))
    })
  })
}

const failing = (body: string): string => `import { load } from 'onnsight'
import { trace } from 'onnsight/trace.macro'

const model = await load('test/fixtures/models/chars.onnx')
function helper(h: never): never {
  throw new RangeError('of the helper')
}
try {
  await trace(model, [[1, 2]], () => {
    const h = model.transformer.h[1].output
    ${body}
  })
} catch (error) {
  console.log((error as Error).stack)
}
`

for (const [what, body, first] of [
  ['an error of the block’s own', "throw new TypeError('mine')", /^TypeError: mine\n\s+at .*\.stack-1\.ts:11:11/],
  [
    'an error of a helper',
    'helper(h as never)',
    /^RangeError: of the helper\n\s+at helper .*\.stack-2\.ts:6:9\)?\n\s+at .*\.stack-2\.ts:11:5/,
  ],
  [
    'an error of an operation',
    'return h.reshape(7)',
    /^ShapeError: [^\n]*\n {2}test\/macro\/\.stack-3\.ts:11:5\n[\s\S]*> 11 \|\s+return h\.reshape\(7\)[\s\S]*Do this: [^\n]*\n\s+at [^\n]*\.stack-3\.ts:11:14/,
  ],
  [
    'a path that is not there',
    'return model.transformer.hh[1].output',
    /^UnknownModuleError[\s\S]*> 11 \|[\s\S]*Do this: [^\n]*\n\s+at [^\n]*\.stack-4\.ts:11:30/,
  ],
] as const) {
  test(`the stack of ${what} shows the user’s file and line first`, async t => {
    const n = first.source.match(/stack-(\d)/)?.[1]
    await withProgram(`stack-${n}`, failing(body), async path => {
      const { stdout } = await run(process.execPath, ['--enable-source-maps', '--import', 'onnsight/register', path], {
        env,
      })
      t.regex(stdout, first)
      const { stdout: all } = await run(process.execPath, ['--import', 'onnsight/register', path], {
        env: { ...env, ONNSIGHT_DEBUG: '1' },
      })
      if (Number(n) > 2) t.regex(all, /\/runtime\/(tensor|names)\//)
    })
  })
}
