import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Finding, fail, ok, warn } from '../finding.ts'
import { findPackage } from '../packages.ts'
import type { Project } from '../project.ts'
import { babelFailed, checkVersions, expandBy } from './babel.ts'

const CONFIGURATIONS = ['js', 'mjs', 'ts', 'mts'].map(ending => `next.config.${ending}`)
/** The Babel that Next.js includes, which reads the project's configuration. */
const BABEL = 'next/dist/compiled/babel/core'
const INSTALL = 'npm install --save-dev @babel/core'
const SET_UP = `${INSTALL}, and in next.config.ts: export default withOnnsight(nextConfig), with import { withOnnsight } from 'onnsight/next'`

/** Whether a project uses Next.js. */
export function isNext({ folder }: Project): boolean {
  if (CONFIGURATIONS.some(name => existsSync(join(folder, name)))) return true
  try {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as Record<'dependencies' | 'devDependencies', Record<string, string> | undefined>
    return 'next' in dependencies || 'next' in devDependencies
  } catch {
    return false
  }
}

/** Checks how a Next.js project switches the macro on: by withOnnsight, or by a Babel configuration. */
export async function checkNext(project: Project): Promise<Finding[]> {
  const babel = findPackage('@babel/core', project.folder)
  const versions = babel ? [checkVersions(project, babel.version)] : []
  if (!project.hasOnnsight || project.isOnnsight) return versions
  const configuration = CONFIGURATIONS.find(name => usesOnnsight(join(project.folder, name)))
  if (configuration === undefined) return [...versions, await checkConfiguration(project)]
  if (babel) return [...versions, ok('macro', `The macro is expanded by withOnnsight, in ${configuration}`)]
  const message = `${configuration} has withOnnsight, which needs Babel, and @babel/core is not installed.`
  return [fail('macro', message, INSTALL)]
}

/** Whether a configuration calls withOnnsight. It looks at the text without comments, because the configuration is a program that may do anything. */
function usesOnnsight(file: string): boolean {
  if (!existsSync(file)) return false
  const text = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  return /['"]onnsight\/next['"]/.test(text) && /\bwithOnnsight\b.*\(/.test(text)
}

async function checkConfiguration(project: Project): Promise<Finding> {
  const { configured, expanded, reason } = await expandBy(BABEL, project)
  if (reason !== undefined) return babelFailed(reason, project)
  if (expanded) return ok('macro', 'The macro is expanded by this project’s Babel configuration, which Next.js uses')
  if (configured)
    return fail(
      'macro',
      'The macro is not expanded: no plugin in this project’s Babel configuration expands it.',
      SET_UP,
    )
  return warn('macro', 'The macro is not expanded: this Next.js project does not use withOnnsight.', SET_UP)
}
