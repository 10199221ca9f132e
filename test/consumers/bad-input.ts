import test from 'ava'
import { checkLogits } from './logits.ts'
import { open } from './projects.ts'
import { babels, bundlers } from './tools.ts'

/* Mistakes of a user's project, such as a wrong version or a second copy of a package. */

const [vite, rollup, , , , esbuild] = bundlers
const [commonjs] = babels

const TRACE = `import { trace } from 'onnsight/trace.macro'

const model: unknown = null
trace(model as never, () => 1)
`

for (const tool of [vite, rollup, esbuild]) {
  test.serial(`${tool.name} without the plugin: the first use tells how to switch the macro on`, async t => {
    const config = `no.${tool.file}`
    const plain = (await open(tool.project)).variant({ files: { 'src/main.ts': TRACE } })
    const text = plain.read(tool.file).replace('onnsight()', '')
    plain.write(config, text)
    await plain.succeed(tool.build.replace(/ -c| build|(?<=node )\S+/, found => OTHER_CONFIG(found, config)))
    const { code, output } = await plain.run(`node --enable-source-maps ${tool.run}`)
    t.not(code, 0)
    t.regex(output, /MacroNotExpandedError: trace\(\) from onnsight\/trace\.macro was called/)
    t.regex(output, /> +\d+ \| trace\(model/)
    t.regex(output, /Do this:[\s\S]*onnsight\(\) from 'onnsight\/vite'/)
  })
}

const OTHER_CONFIG = (found: string, config: string): string =>
  found === ' build' ? ` build -c ${config}` : found === ' -c' ? ` -c ${config}` : config

test.serial('without @babel/core a bundler’s plugin says what to install, and so does onnsight/register', async t => {
  const alone = (await open('babel-8')).variant({ without: ['@babel/core'] })
  for (const command of [vite.build, 'webpack -c webpack.config.cjs', esbuild.build]) {
    const { code, output } = await alone.run(command)
    t.not(code, 0)
    t.regex(output, /needs Babel, and @babel\/core is not installed\.\s+Do this: npm install --save-dev @babel\/core/)
  }
  const { output } = await alone.run('node --import onnsight/register main.ts $MODEL')
  t.regex(output, /Do this: npm install --save-dev @babel\/core @babel\/preset-typescript/)
})

test.serial('Babel and its TypeScript preset of two versions: onnsight/register says which to install', async t => {
  const mixed = (await open('babel-8')).variant({ without: ['@babel/core'] })
  mixed.copyPackage('babel-7', '@babel/core')
  const { code, output } = await mixed.run('node --import onnsight/register main.ts $MODEL')
  t.not(code, 0)
  t.regex(output, /found @babel\/core 7 and @babel\/preset-typescript 8/)
  t.regex(output, /Do this: npm install --save-dev @babel\/core@7 @babel\/preset-typescript@7/)
})

test.serial('Babel 7 and Babel 8 in one tree: each expands the macro, by the plugin and by macros', async t => {
  const both = (await open('babel-8')).variant({ files: { 'both.mjs': BOTH } })
  t.is(
    (await both.succeed('node both.mjs')).stdout,
    '7 onnsight/babel-plugin true\n7 macros true\n8 onnsight/babel-plugin true\n8 macros true\n',
  )
})

const BOTH = `import * as seven from 'babel-7'
import * as eight from '@babel/core'
const code = "import { trace } from 'onnsight/trace.macro'\\nexport const f = model => trace(model, () => model.h.output)"
for (const babel of [seven, eight]) {
  for (const plugin of ['onnsight/babel-plugin', 'macros']) {
    const result = babel.transformSync(code, { filename: 'a.mjs', configFile: false, plugins: [plugin] })
    console.log(babel.version[0], plugin, /_block\\.at\\(2, /.test(result.code) && !/^import .*trace.macro/m.test(result.code))
  }
}
`

test.serial('without onnxruntime-node: onnsight can be imported, and load says what to install', async t => {
  const alone = (await open('babel-8')).variant({ without: ['onnxruntime-node'], files: { 'alone.mjs': ALONE } })
  const { code, output } = await alone.run('node alone.mjs $MODEL')
  t.not(code, 0)
  t.regex(output, /imported function[\s\S]*MissingPackageError: onnxruntime-node is not installed/)
  t.regex(output, /Do this: npm install onnxruntime-node/)
})

const ALONE = `import { load } from 'onnsight'
console.log('imported', typeof load)
await load(process.argv[2])
`

test.serial(
  'two installs of onnsight: a tensor or a model of the one is refused by the other, which tells where they lie',
  async t => {
    const two = (await open('babel-8')).variant({ files: { 'two.mjs': TWO } })
    two.copyPackage('onnsight', 'other/node_modules/onnsight')
    two.write('other/index.mjs', "export * from 'onnsight'\n")
    const { stdout, output } = await two.run('node --import onnsight/register two.mjs $MODEL')
    const results = stdout.trim().split('\n---\n')
    t.is(results.length, 7, output)
    for (const result of results.slice(0, 6)) {
      t.regex(result, /two-copies|^\w+: input/)
      t.regex(result, /There are two copies of onnsight in this program/)
      t.regex(result, /npm ls onnsight.*npm dedupe/)
      if (result.includes('two-copies'))
        t.regex(result, /0\.1\.0 in .*\/node_modules\/onnsight\/\n.*\/other\/node_modules\/onnsight\//)
    }
    t.is(results[6], 'each alone: 2 2')
  },
)

const TWO = `import * as own from 'onnsight'
import { edit, trace } from 'onnsight/trace.macro'
import * as other from './other/index.mjs'

const [model, foreign] = [await own.load(process.argv[2]), await other.load(process.argv[2])]
const tried = {
  operand: () => own.tensor([1, 2]).add(other.tensor([1, 2])),
  operandInTrace: () => trace(model, [[1, 2]], () => model.lm_head.output.add(other.tensor([1]))),
  positional: () => trace(model, other.tensor([[1, 2]], { type: 'int64' }), () => model.lm_head.output),
  named: () => trace(model, { input_ids: other.tensor([[1, 2]], { type: 'int64' }) }, () => model.lm_head.output),
  model: () => trace(foreign, [[1, 2]], () => foreign.lm_head.output),
  edited: () => edit(foreign, () => { foreign.transformer.h[1].output = 0 }),
}
for (const [name, run] of Object.entries(tried)) {
  try {
    await run()
    console.log(name + ': nothing was thrown')
  } catch (error) {
    console.log(name + ': ' + error.code + '\\n' + error.message)
  }
  console.log('---')
}
console.log('each alone:', (await own.tensor([1, 1]).sum().value()).item(), (await other.tensor([1, 1]).sum().value()).item())
`

test.serial('"type": "commonjs", as npm init writes it: bundlers, Babel and onnsight/register work', async t => {
  const at = (await open('babel-8')).variant()
  at.write('package.json', at.read('package.json').replace('"type": "module"', '"type": "commonjs"'))
  await at.succeed('webpack -c webpack.config.cjs --no-devtool && rspack build -c rspack.config.mjs')
  await checkLogits(t, await at.run('node dist/webpack/main.cjs $MODEL'))
  await checkLogits(t, await at.run('node dist/rspack/main.cjs $MODEL'))
  await checkLogits(t, await at.run('node --import onnsight/register main.ts $MODEL'))
  t.regex((await open(commonjs.project)).read('package.json'), /"type": "commonjs"/)
})

test.serial('a file outside the project is left as it is, with a warning; root takes it in', async t => {
  const at = (await open('babel-8')).variant()
  const inner = { 'app/main.ts': `import '../shared/trace.ts'\n`, 'shared/trace.ts': TRACE }
  for (const [path, text] of Object.entries(inner)) at.write(path, text)
  const build = (options: string): string =>
    `import { build } from 'esbuild'\nimport onnsight from 'onnsight/esbuild'
await build({ entryPoints: ['main.ts'], outfile: 'out.mjs', bundle: true, platform: 'node', format: 'esm', packages: 'external', plugins: [onnsight(${options})] })\n`
  at.write('app/build.mjs', build(''))
  at.write('app/wide.mjs', build("{ root: ['.', '../shared'] }"))
  const { output } = await at.succeed('cd app && node build.mjs')
  t.regex(output, /shared\/trace\.ts names onnsight\/trace\.macro, but it lies outside[\s\S]*Do this: name its folder/)
  t.regex(at.read('app/out.mjs'), /from "onnsight\/trace\.macro"/)
  t.notRegex((await at.succeed('cd app && node wide.mjs')).output, /lies outside/)
  t.regex(at.read('app/out.mjs'), /\.at\(4, 1\)|"onnsight\/internal"/)
})

test.serial('under node_modules nothing is expanded', async t => {
  const at = (await open('babel-8')).variant({
    files: {
      'node_modules/dependency/index.js': `import { trace } from 'onnsight/trace.macro'\nexport const f = model => trace(model, () => 1)\n`,
      'main.js': "export * from 'dependency'\n",
      'build.mjs': `import { build } from 'esbuild'\nimport onnsight from 'onnsight/esbuild'
await build({ entryPoints: ['main.js'], outfile: 'out.mjs', bundle: true, format: 'esm', external: ['onnsight'], plugins: [onnsight()] })\n`,
    },
  })
  t.notRegex((await at.succeed('node build.mjs')).output, /lies outside/)
  t.regex(at.read('out.mjs'), /from "onnsight\/trace\.macro"/)
})

test.serial('a worker in a bundle says to leave onnsight outside', async t => {
  const at = (await open('babel-8')).variant({
    files: {
      'src/main.ts': `import { load, WorkerBackend } from 'onnsight'
import { trace } from 'onnsight/trace.macro'
async function main() {
  const model = await load(process.argv[2])
  await trace(model, [[1, 2]], { backend: new WorkerBackend() }, () => model.lm_head.output)
}
main().catch(error => console.log(error.message))
`,
    },
  })
  await at.succeed(esbuild.build)
  t.regex(
    (await at.run(`node ${esbuild.run} $MODEL`)).stdout,
    /onnsight was put into a bundle\.\n {2}Do this: leave it outside/,
  )
})
