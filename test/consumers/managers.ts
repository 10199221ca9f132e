import type { Tool } from './tools.ts'

/** A package manager, and how a project of its users is set up. */
export interface Manager extends Tool {
  /** Of the project's folder: what keeps the manager from running onnxruntime-node's post-install. `file` is the one that docs/tools.md shows. */
  readonly files: Readonly<Record<string, string>>
  readonly install: string
  /** Runs a program of the project's packages, or Node as the project's packages need it. */
  readonly exec: string
  readonly node: string
}

const yarn = 'node $MANAGERS/@yarnpkg/cli-dist/bin/yarn.js'
// The last two: nothing is told to Yarn's makers, and a continuous integration may write yarn.lock.
const yarnrc = 'nodeLinker: pnp\nenableScripts: false\nenableTelemetry: false\nenableImmutableInstalls: false\n'

const common = { project: 'managers', install: 'install' }

/** npm installs the projects beside this file. */
export const managers: readonly Manager[] = [
  {
    ...common,
    name: 'pnpm',
    packages: ['pnpm'],
    file: 'pnpm-workspace.yaml',
    files: { 'pnpm-workspace.yaml': 'allowBuilds:\n  onnxruntime-node: false\n  esbuild: false\n' },
    setUp: ['allowBuilds:\n  onnxruntime-node: false'],
    install: '$MANAGERS/.bin/pnpm install',
    exec: '$MANAGERS/.bin/pnpm exec',
    node: 'node',
  },
  {
    ...common,
    name: 'Yarn, Plug’n’Play',
    packages: ['@yarnpkg/cli-dist'],
    file: '.yarnrc.yml',
    files: { '.yarnrc.yml': yarnrc, 'yarn.lock': '' },
    setUp: ['enableScripts: false'],
    install: `${yarn} install`,
    exec: yarn,
    node: `${yarn} node`,
  },
  {
    ...common,
    name: 'bun',
    packages: ['bun'],
    // It runs no post-install of a package that the project doesn't name as trusted.
    file: 'package.json',
    files: {},
    setUp: [],
    install: '$MANAGERS/.bin/bun install',
    exec: '$MANAGERS/.bin/bun x --no-install',
    node: 'node',
  },
]
