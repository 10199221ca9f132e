import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import './bad-input.ts'
import { compilers } from './compilers.ts'
import { checkLogits, printed } from './logits.ts'
import { matrix, record } from './matrix.ts'
import { open, removeAll } from './projects.ts'
import { babels, bundlers, node, testers, tools } from './tools.ts'
import { checkCompiler, checkTypes } from './types.ts'

// Each project is a user's: installed by npm from its own lockfile, with the packed onnsight; built and run by the real tools.
test.after.always(removeAll)

for (const tool of bundlers) {
  const { name, project, build, run } = tool
  test.serial(`${name}: a TypeScript project with JSX is built whole, and its program runs`, async t => {
    const at = await open(project)
    await at.succeed(build)
    const outcome = await at.run(`node --enable-source-maps ${run} $MODEL`)
    await checkLogits(t, outcome)
    const { hidden, tag, error, stack } = printed(t, outcome)
    t.deepEqual(hidden, [1, 4, 128])
    t.is(tag, '<b title,logits>3</b>')
    // The block's text is the file's own, with its types; and so are the places that the source map gives.
    t.regex(
      String(error),
      / {2}src\/edited\.tsx:18:50\n[\s\S]*> 18 \| .*mpl\.output\)\.catch\(\(thrown: Error\) => thrown\)/,
    )
    t.regex(String(stack), /edited\.tsx:14:1\d\)?\n/)
    record(tool, 'build for Node with onnsight inside, run, edit, code frame, source map')
  })

  test.serial(`${name}: what the macro can’t expand is shown with its file, its line and a code frame`, async t => {
    const at = (await open(project)).variant({ files: { 'src/main.ts': WRONG } })
    const { code, output } = await at.run(build)
    t.not(code, 0)
    t.regex(output, /src\/main\.ts:6:5: last is assigned in a traced block, but it is a constant/)
    t.regex(output, /> 6 \| {5}last = 2/)
    record(tool, 'build error')
  })
}

const WRONG = `import { trace } from 'onnsight/trace.macro'

const last: number = 1
export async function run(model: never): Promise<void> {
  await trace(model, () => {
    last = 2
  })
}
`

test.serial('the bundlers’ entries have types, which know the options', checkTypes)

for (const compiler of compilers) {
  test.serial(`${compiler.name}: a right program has no errors, a wrong one has its own`, async t => {
    await checkCompiler(t, compiler)
    record(compiler, `types of a right program and of a wrong one, moduleResolution ${compiler.resolutions.join(', ')}`)
  })
}

for (const tool of babels) {
  test.serial(`${tool.name}: a project is compiled, and its program runs`, async t => {
    const at = await open(tool.project)
    await at.succeed(tool.build)
    await checkLogits(t, await at.run(`node ${tool.run} $MODEL`))
    record(tool, 'compile, run, edit')
  })
}

for (const tool of node) {
  test.serial(`${tool.name}: a TypeScript file runs with no build`, async t => {
    const at = await open(tool.project)
    await checkLogits(t, await at.run(`${tool.setUp[0]} $MODEL`))
    record(tool, 'run, edit')
  })
}

for (const tool of testers) {
  test.serial(`${tool.name}: a test that traces passes, and one that is wrong fails with its own line`, async t => {
    const outcome = await (await open(tool.project)).run(tool.test, tool.env)
    t.not(outcome.code, 0)
    t.regex(outcome.output, tool.counts)
    await checkLogits(t, { ...outcome, stdout: outcome.output })
    t.regex(outcome.output, /\w+\/wrong\.test\.ts:10:5/)
    t.regex(outcome.output, /> 10 \| {5}model\.transformer\.h\[1\]\.output = hidden\.add\(\[1, 2, 3\]\)/)
    record(tool, 'a test that passes, a test that fails')
  })
}

test.serial('Jest: tests that Babel has made CommonJS of, by the preset', async t => {
  const wrong = 'jest/wrong.test.ts'
  const inFunction = (text: string): string =>
    text
      .replace(
        /^const model = .*$/m,
        'let model: Model\nbeforeAll(async () => {\n  model = await load(process.env.MODEL as string)\n})',
      )
      .replace('{ load }', '{ load, type Model }')
      .replace('import { expect, test }', 'import { beforeAll, expect, test }')
      .replace('import { test }', 'import { beforeAll, test }')
  const at = await open('babel-7')
  const outcome = await at
    .variant({
      files: {
        'jest.config.cjs': "module.exports = { preset: 'onnsight', testMatch: ['**/jest/*.test.ts'] }",
        [wrong]: inFunction(at.read(wrong)),
        'jest/edit.test.ts': inFunction(at.read('jest/edit.test.ts')),
      },
    })
    .run('jest')
  t.regex(outcome.output, /Tests: +1 failed, 1 passed, 2 total/)
  await checkLogits(t, { ...outcome, stdout: outcome.output })
  t.regex(outcome.output, /model\.transformer\.h\[1\]\.output = hidden\.add\(\[1, 2, 3\]\)/)
})

for (const { name, project, file, setUp } of tools) {
  test(`${name}: docs/tools.md shows what its project does`, t => {
    const config = readFileSync(`test/consumers/${project}/${file}`, 'utf8')
    const guide = readFileSync('docs/tools.md', 'utf8')
    for (const line of setUp) {
      if (!line.startsWith('node ')) t.true(config.includes(line), `${file} has no ${line}`)
      t.true(guide.includes(line), `docs/tools.md has no ${line}`)
    }
  })
}

test.serial('docs/matrix.md names the versions of the lockfiles, and what was run', (t: ExecutionContext) => {
  matrix.check(t)
})
