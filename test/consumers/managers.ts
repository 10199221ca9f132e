import type { Tool } from './tools.ts'

/** A package manager, and the set-up of a project that uses it. */
export interface Manager extends Tool {
  /** Files of the project that keep the manager from running onnxruntime-node's post-install. `file` is the one that docs/tools.md shows. */
  readonly files: Readonly<Record<string, string>>
  readonly install: string
  /** The command that runs a program of the project's packages, or Node in the way that they need. */
  readonly exec: string
  readonly node: string
}

const yarn = 'node $MANAGERS/@yarnpkg/cli-dist/bin/yarn.js'
// The last two settings: Yarn sends no data to its makers, and may write yarn.lock in continuous integration.
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
    // This manager runs no post-install of a package that the project does not name as trusted.
    file: 'package.json',
    files: {},
    setUp: [],
    install: '$MANAGERS/.bin/bun install',
    exec: '$MANAGERS/.bin/bun x --no-install',
    node: 'node',
  },
]
