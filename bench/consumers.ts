// npm run bench:consumers: seconds from `npm install` to the first result, for each tool in a folder of its own, as docs/tools.md shows them.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packed } from '../test/consumers/packed.ts'
import { Project } from '../test/consumers/project.ts'
import { babels, bundlers, node, type Tool, testers } from '../test/consumers/tools.ts'

/** The packages of a project's package.json that are installed for a tool, beside onnsight and onnxruntime-node. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  Vite: ['vite', '@babel/core'],
  Rollup: ['rollup', 'rollup-plugin-esbuild', 'esbuild', '@rollup/*', '@babel/core'],
  Rolldown: ['rolldown', '@babel/core'],
  webpack: ['webpack', 'webpack-cli', 'babel-loader', '@babel/core', '@babel/preset-typescript', '@babel/preset-react'],
  Rspack: ['@rspack/*', '@babel/core'],
  esbuild: ['esbuild', '@babel/core'],
  'Babel 7, CommonJS': ['@babel/*', 'babel-plugin-macros'],
  'Babel 7, modules': ['@babel/*'],
  'Babel 8, TypeScript and JSX': ['@babel/*', 'babel-plugin-macros', 'react'],
  'Node, Babel 7': ['@babel/core', '@babel/preset-typescript'],
  'Node, Babel 8': ['@babel/core', '@babel/preset-typescript'],
  Jest: ['jest', 'babel-jest', '@babel/*', 'babel-plugin-macros'],
  Vitest: ['vitest', 'vite', '@babel/core'],
  AVA: ['ava', '@babel/core', '@babel/preset-typescript'],
}

interface Steps {
  readonly build?: string
  readonly run: string
  readonly env?: NodeJS.ProcessEnv
}

type AnyTool = Tool & {
  readonly build?: string
  readonly run?: string
  readonly test?: string
  env?: NodeJS.ProcessEnv
}

function stepsOf({ build, run, test, env, setUp }: AnyTool): Steps {
  // One of the project's tests fails on purpose.
  if (test !== undefined) return { run: `${test}; true`, env }
  return { build, run: `${run === undefined ? setUp[0] : `node ${run}`} $MODEL` }
}

async function seconds(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

const megabytes = (folder: string): number =>
  Number.parseInt(execFileSync('du', ['-sm', folder], { encoding: 'utf8' }), 10)

const cell = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(1))
const line = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`)

const tarball = await packed()
const folder = mkdtempSync(join(tmpdir(), 'onnsight-bench-'))

/** The project's folder with only the tool's packages, none of them installed yet. */
function alone(tool: Tool): Project {
  const project = new Project(mkdtempSync(join(folder, 'project-')))
  cpSync(join('test/consumers', tool.project), project.folder, {
    recursive: true,
    filter: path => !/node_modules|package-lock/.test(path),
  })
  cpSync('examples/models/chars.onnx', join(project.folder, 'model.onnx'))
  const { devDependencies, ...json } = JSON.parse(project.read('package.json')) as {
    devDependencies: Record<string, string>
  }
  const isNeeded = (name: string): boolean =>
    NEEDS[tool.name].some(need => (need.endsWith('*') ? name.startsWith(need.slice(0, -1)) : name === need))
  const kept = Object.entries(devDependencies).filter(([name]) => isNeeded(name))
  project.write('package.json', JSON.stringify({ ...json, devDependencies: Object.fromEntries(kept) }))
  return project
}

const install = `npm install --no-audit --no-fund --prefer-offline ${tarball}`
// npm keeps the registry's answers, so that an install from its cache is measured.
await alone(node[0]).succeed(install)

line(['tool', 'install', 'build', 'run', 'in all, s', 'node_modules, MB'])
line(['---', '---', '---', '---', '---', '---'])
for (const tool of [...node, ...bundlers, ...babels, ...testers] as AnyTool[]) {
  const project = alone(tool)
  // The first install fills the cache.
  await project.succeed(install)
  rmSync(join(project.folder, 'node_modules'), { recursive: true })
  rmSync(join(project.folder, 'package-lock.json'))
  const installed = await seconds(() => project.succeed(install))
  const { build, run, env } = stepsOf(tool)
  const built = build === undefined ? undefined : await seconds(() => project.succeed(build))
  const ran = await seconds(() => project.succeed(run, env))
  const size = megabytes(join(project.folder, 'node_modules'))
  line([tool.name, ...[installed, built, ran, installed + (built ?? 0) + ran].map(cell), String(size)])
  rmSync(project.folder, { recursive: true })
}
for (const [name, app, build] of [
  ['Create React App', 'cra', 'react-scripts build'],
  ['Next.js', 'next', 'next build'],
] as const) {
  const project = new Project(mkdtempSync(join(folder, 'project-')))
  cpSync(join('examples/apps', app), project.folder, {
    recursive: true,
    filter: path => !/node_modules|\/\.next|\/build$/.test(path),
  })
  const both = (): Promise<unknown> => project.succeed(`npm ci --no-audit --no-fund --prefer-offline && ${install}`)
  await both()
  const installed = await seconds(both)
  const built = await seconds(() => project.succeed(build))
  const size = megabytes(join(project.folder, 'node_modules'))
  line([name, cell(installed), cell(built), '', cell(installed + built), String(size)])
}
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
console.log(`\nonnsight ${version}, Node ${process.versions.node}, ${process.platform} ${process.arch}`)
rmSync(folder, { recursive: true, force: true })
