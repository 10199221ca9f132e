import { createRequire } from 'node:module'
import type { Babel } from '../babel.ts'

const INSTALL = 'Do this: npm install --save-dev @babel/core'
const { resolve } = createRequire(import.meta.url)

/** Checks that Babel is installed. @throws Error that says what to install, if it is missing */
export function requireBabel(tool: string): void {
  try {
    resolve('@babel/core')
  } catch (cause) {
    throw new Error(`onnsight/${tool} needs Babel, and @babel/core is not installed.\n  ${INSTALL}`, { cause })
  }
}

let loaded: Promise<Babel> | undefined

/** Loads Babel when the first file needs it. Most files of a project never do. */
export function loadBabel(): Promise<Babel> {
  loaded ??= import('@babel/core')
  return loaded
}
