import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import test from 'ava'

const readme = readFileSync('README.md', 'utf8')
const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(found => found[1])

function run(name: string, code: string): string {
  const file = `test/${name}.ts`
  writeFileSync(file, code)
  try {
    return execFileSync(process.execPath, ['--import', 'onnsight/register', file], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: undefined, FORCE_COLOR: '0' },
    })
  } finally {
    rmSync(file)
  }
}

test('the first block of the README prints what stands below it', t => {
  const shown = /```\n(\[ 1, 4, 128[\s\S]*?)```/.exec(readme)?.[1]
  t.is(run('readme-first', blocks[0]), shown ?? 'no output stands in the README')
})

test('the second block of the README runs', t => {
  const head = `import { load } from 'onnsight'\nimport { trace } from 'onnsight/trace.macro'\nconst model = await load('examples/models/chars.onnx')\nconst inputs = [[1, 2, 3]]\nconst result = `
  t.regex(
    run(
      'readme-second',
      `${head}${blocks[1]}\nconsole.log(Object.keys(result as object), (result as { late: { dims: number[] } }).late.dims)`,
    ),
    /'early', 'late'[\s\S]*\[ 1, 3, 65 \]/,
  )
})
