/** A build tool, and one of the projects here that uses it. */
export interface Tool {
  readonly name: string
  /** The packages that its lockfile must have. */
  readonly packages: readonly string[]
  /** The project's folder, beside this file. */
  readonly project: string
  /** `setUp` are lines that switch the macro on. They are in this file of the project, and in docs/tools.md. */
  readonly file: string
  readonly setUp: readonly string[]
}

export interface Builder extends Tool {
  readonly build: string
  /** The command that runs the built program. The model's path is added to it. */
  readonly run: string
}

const plugin = (name: string): readonly string[] => [`import onnsight from 'onnsight/${name}'`, 'plugins: [onnsight()]']

export const bundlers: readonly Builder[] = [
  {
    name: 'Vite',
    packages: ['vite'],
    project: 'babel-8',
    file: 'vite.config.ts',
    setUp: plugin('vite'),
    build: 'vite build',
    run: 'dist/vite/main.js',
  },
  {
    name: 'Rollup',
    packages: ['rollup', 'rollup-plugin-esbuild'],
    project: 'babel-8',
    file: 'rollup.config.js',
    setUp: ["import onnsight from 'onnsight/rollup'", 'onnsight()]'],
    build: 'rollup -c --silent',
    run: 'dist/rollup/main.js',
  },
  {
    name: 'Rolldown',
    packages: ['rolldown'],
    project: 'babel-8',
    file: 'rolldown.config.js',
    setUp: plugin('rolldown'),
    build: 'rolldown -c',
    run: 'dist/rolldown/main.js',
  },
  {
    name: 'webpack',
    packages: ['webpack', 'babel-loader'],
    project: 'babel-8',
    file: 'webpack.config.cjs',
    setUp: ["const onnsight = require('onnsight/webpack')", 'plugins: [onnsight()]'],
    build: 'webpack -c webpack.config.cjs',
    run: 'dist/webpack/main.cjs',
  },
  {
    name: 'Rspack',
    packages: ['@rspack/core'],
    project: 'babel-8',
    file: 'rspack.config.mjs',
    setUp: plugin('rspack'),
    build: 'rspack build -c rspack.config.mjs',
    run: 'dist/rspack/main.cjs',
  },
  {
    name: 'esbuild',
    packages: ['esbuild'],
    project: 'babel-8',
    file: 'esbuild.config.js',
    setUp: plugin('esbuild'),
    build: 'node esbuild.config.js',
    run: 'dist/esbuild/main.mjs',
  },
]

export const babels: readonly Builder[] = [
  {
    name: 'Babel 7, CommonJS',
    packages: ['@babel/core', 'babel-plugin-macros'],
    project: 'babel-7',
    file: 'babel.config.json',
    setUp: ['"plugins": ["macros"]'],
    build: 'babel cjs --out-dir dist/cjs --extensions .ts,.js',
    run: 'dist/cjs/main.js',
  },
  {
    name: 'Babel 7, modules',
    packages: ['@babel/core'],
    project: 'babel-7',
    file: 'esm/babel.config.json',
    setUp: ['"plugins": ["onnsight/babel-plugin"]'],
    build: 'babel esm --out-dir dist/esm --extensions .ts --config-file ./esm/babel.config.json --copy-files',
    run: 'dist/esm/main.js',
  },
  {
    name: 'Babel 8, TypeScript and JSX',
    packages: ['@babel/core', 'babel-plugin-macros'],
    project: 'babel-8',
    file: 'babel.config.json',
    setUp: ['"plugins": ["macros"]'],
    build: 'babel babel --out-dir dist --extensions .tsx',
    run: 'dist/main.js',
  },
]

export interface Tester extends Tool {
  readonly test: string
  readonly env?: Readonly<Record<string, string>>
  /** Matches what the runner prints for one test that passes and one that fails. */
  readonly counts: RegExp
}

export const testers: readonly Tester[] = [
  {
    name: 'Jest',
    packages: ['jest', 'babel-jest'],
    project: 'babel-7',
    file: 'jest.config.cjs',
    setUp: ["extensionsToTreatAsEsm: ['.ts']", "setupFiles: ['onnsight/jest']"],
    test: 'jest',
    env: { NODE_OPTIONS: '--experimental-vm-modules' },
    counts: /Tests: +1 failed, 1 passed, 2 total/,
  },
  {
    name: 'Vitest',
    packages: ['vitest', 'vite'],
    project: 'babel-7',
    file: 'vitest.config.ts',
    setUp: plugin('vite'),
    test: 'vitest run --no-color',
    counts: /Tests +1 failed \| 1 passed \(2\)/,
  },
  {
    name: 'AVA',
    packages: ['ava'],
    project: 'babel-7',
    file: 'ava.config.mjs',
    setUp: ["extensions: { ts: 'module' }", "nodeArguments: ['--import=onnsight/register']"],
    test: 'ava --tap',
    counts: /# pass 1\n# fail 1/,
  },
]

const register = ['node --import onnsight/register main.ts']

export const node: readonly Tool[] = [
  {
    name: 'Node, Babel 7',
    packages: ['@babel/core', '@babel/preset-typescript'],
    project: 'babel-7',
    file: 'main.ts',
    setUp: register,
  },
  {
    name: 'Node, Babel 8',
    packages: ['@babel/core', '@babel/preset-typescript'],
    project: 'babel-8',
    file: 'main.ts',
    setUp: register,
  },
]

export const tools: readonly Tool[] = [...bundlers, ...babels, ...node, ...testers]
