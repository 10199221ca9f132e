import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { isAtLeast } from '../../../macro/bundlers/is-at-least.ts'
import { runScript } from '../child.ts'
import { type Finding, fail, ok, warn } from '../finding.ts'
import { findPackage } from '../packages.ts'
import type { Project } from '../project.ts'

/** The oldest Node that Babel 8 runs on. */
const NODE_FOR_8 = '22.18.0'
const CONFIGURE = 'babel.config.json: { "plugins": ["macros"] }'

/** The answer of expand.js. */
export interface Expansion {
  /** Whether the project has a Babel configuration. */
  readonly configured?: boolean
  /** Whether that configuration expanded the macro. */
  readonly expanded?: boolean
  /** Why Babel failed. */
  readonly reason?: string
}

/** Checks which Babel the project has, whether a plugin for the macro is installed, and whether Babel expands the macro. */
export async function checkBabel(project: Project): Promise<Finding[]> {
  const babel = findPackage('@babel/core', project.folder)
  if (!babel) {
    const message = 'Babel: not installed in this project, so nothing expands the macro.'
    return [
      warn('babel', message, `${project.manager.installDev('@babel/core')}, or write model.trace(inputs, model => …)`),
    ]
  }
  const findings = [checkVersions(project, babel.version), checkPlugin(project)]
  return project.hasOnnsight && !project.isOnnsight ? [...findings, await checkMacro(project)] : findings
}

export function checkVersions({ folder, copies }: Project, version: string): Finding {
  const all = copies.filter(({ name }) => name === '@babel/core')
  const others = all.filter(copy => copy.version !== version)
  const list = others.map(copy => `${copy.version} in ${relative(folder, copy.folder)}`)
  const message = `@babel/core ${version}${list.length > 0 ? ` (also ${list.join(', ')})` : ''}`
  if (version.startsWith('8') && !isAtLeast(process.versions.node, NODE_FOR_8))
    return warn('babel', `${message}: Babel 8 needs Node ${NODE_FOR_8}.`, 'install a newer Node, or @babel/core 7')
  return ok('babel', message)
}

function checkPlugin({ folder, manager }: Project): Finding {
  const plugin = findPackage('babel-plugin-macros', folder)
  if (plugin) return ok('babel-plugin-macros', `babel-plugin-macros ${plugin.version}`)
  return warn(
    'babel-plugin-macros',
    'babel-plugin-macros can’t be found from this project.',
    `${manager.installDev('babel-plugin-macros')}, or use the plugin 'onnsight/babel-plugin'`,
  )
}

async function checkMacro(project: Project): Promise<Finding> {
  const { configured, expanded, reason } = await expandBy('@babel/core', project)
  if (reason !== undefined) return babelFailed(reason, project)
  if (expanded) return ok('macro', 'The macro is expanded by this project’s Babel')
  if (configured)
    return fail(
      'macro',
      'The macro is not expanded: no plugin in this project’s Babel configuration expands it.',
      CONFIGURE,
    )
  return warn(
    'macro',
    'The macro is not expanded by Babel: this project has no Babel configuration.',
    `${CONFIGURE}, or run with node --import onnsight/register`,
  )
}

/** Runs a Babel of the project, with the project's configuration, on a file that uses the macro. */
export async function expandBy(babel: string, { folder }: Project): Promise<Expansion> {
  const sources = join(folder, 'src')
  const file = join(existsSync(sources) ? sources : folder, 'onnsight-doctor.js')
  const { answer, end } = await runScript('expand', [folder, file, babel], folder)
  return (answer as Expansion | undefined) ?? { reason: end }
}

export function babelFailed(reason: string, { folder }: Project): Finding {
  const excerpt = reason.replaceAll(`${folder}/`, '').split('\n').slice(0, 3).join('\n')
  return fail(
    'macro',
    `The macro is not expanded: this project’s Babel fails.\n${excerpt}`,
    'correct the problem that Babel reports',
  )
}
