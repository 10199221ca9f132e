import type { ExecutionContext } from 'ava'
import type { Compiler } from './compilers.ts'
import { root } from './packed.ts'
import { Project } from './project.ts'
import { open } from './projects.ts'

const USE = `import esbuild from 'onnsight/esbuild'
import rolldown from 'onnsight/rolldown'
import rollup from 'onnsight/rollup'
import rspack from 'onnsight/rspack'
import vite from 'onnsight/vite'
import webpack from 'onnsight/webpack'
import type { RspackPluginInstance } from '@rspack/core'
import type { Plugin as EsbuildPlugin } from 'esbuild'
import type { Plugin as RolldownPlugin } from 'rolldown'
import type { Plugin as RollupPlugin } from 'rollup'
import type { Plugin as VitePlugin } from 'vite'
import type { WebpackPluginInstance } from 'webpack'

export const ofEsbuild: EsbuildPlugin = esbuild({ root: 'src' })
export const ofRolldown: RolldownPlugin = rolldown()
export const ofRollup: RollupPlugin = rollup({ root: ['src', '../shared'] })
export const ofRspack: RspackPluginInstance = rspack()
export const ofVite: VitePlugin = vite()
export const ofWebpack: WebpackPluginInstance = webpack()
// @ts-expect-error: no such option
vite({ rot: 'src' })
// @ts-expect-error: an esbuild plugin has a setup
export const name: number = esbuild().setup
// @ts-expect-error: a Vite plugin has a name
export const other: number = vite().name
`

/** Checks a user's code for each entry point with TypeScript. */
export async function checkTypes(t: ExecutionContext): Promise<void> {
  const at = (await open('babel-8')).variant({ files: { 'use.ts': USE } })
  const flags = '--noEmit --pretty false --strict --skipLibCheck --module nodenext --target es2022 --preserveSymlinks'
  const { code, output } = await at.run(`node ${root}node_modules/typescript/bin/tsc ${flags} use.ts`)
  t.is(code, 0, output)
}

let installed: Promise<Project> | undefined

/** Checks a correct program and a wrong one, with a model's own types, in each way of finding packages. */
export async function checkCompiler(t: ExecutionContext, compiler: Compiler): Promise<void> {
  t.timeout(600_000)
  installed ??= Project.open(compiler.project)
  const at = await installed
  await at.succeed('cp $MODEL chars.onnx && onnsight types chars.onnx --out chars.d.ts')
  for (const resolution of compiler.resolutions) {
    t.deepEqual(await compile(at, compiler, 'right.ts', resolution), [], resolution)
    const wrong = await compile(at, compiler, 'wrong.ts', resolution)
    t.is(wrong.length, WRONG.length, wrong.join('\n'))
    for (const [i, due] of WRONG.entries()) t.regex(wrong[i], due, resolution)
    if (resolution !== 'bundler') continue
    const browser = await compile(at, compiler, 'browser.ts', resolution, { customConditions: ['browser'] })
    t.is(browser.length, 1, browser.join('\n'))
    t.regex(
      browser[0],
      /^browser\.ts\(2,\d+\): error TS\d+: Module '"onnsight"' has no exported member '?WorkerBackend/,
    )
  }
}

const WRONG = [
  /^wrong\.ts\(7,51\):.* 'providr' does not exist|^wrong\.ts\(7,51\): error TS2345: Argument of type '\{ providr/,
  /^wrong\.ts\(8,9\): error TS2322: Type 'Tensor' is not assignable to type 'string'/,
  /^wrong\.ts\(9,53\):.* 'mpl' does not exist on type 'HLayer'/,
  /^wrong\.ts\(10,12\):.*'\[Tensor\]' of length '1' has no element at index '1'/,
  /^wrong\.ts\(11,19\): error TS2554: Expected 0 arguments, but got 1/,
  /^wrong\.ts\(12,22\):.* 'lm_head' does not exist on type 'Promise<Model>'/,
]

/** The errors in one file, and in all declarations that it imports, one a line. */
async function compile(
  at: Project,
  { packages: [alias], needsSkipLibCheck, name }: Compiler,
  file: string,
  moduleResolution: string,
  options: object = {},
): Promise<string[]> {
  const compilerOptions = {
    noEmit: true,
    strict: true,
    target: 'es2022',
    lib: ['es2022', 'dom'],
    types: [],
    module: moduleResolution.startsWith('node1') || moduleResolution === 'nodenext' ? moduleResolution : 'esnext',
    moduleResolution,
    ...(moduleResolution === 'node' && name.endsWith('6.0') ? { ignoreDeprecations: '6.0' } : {}),
    ...options,
  }
  at.write('tsconfig.json', JSON.stringify({ compilerOptions, files: [file] }))
  const { output } = await at.run(`node node_modules/${alias}/bin/tsc -p . --pretty false`)
  const errors = output.split('\n').filter(line => line.includes('error TS'))
  return needsSkipLibCheck ? errors.filter(line => !/^node_modules\/@(bufbuild|petamoriken)\//.test(line)) : errors
}
