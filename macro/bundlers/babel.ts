import { createRequire } from 'node:module'
import type { Babel } from '../babel.ts'

const INSTALL = 'Do this: npm install --save-dev @babel/core'
const { resolve } = createRequire(import.meta.url)

/** @throws Error that says what to install, where Babel is missing */
export function requireBabel(tool: string): void {
  try {
    resolve('@babel/core')
  } catch (cause) {
    throw new Error(`onnsight/${tool} needs Babel, and @babel/core is not installed.\n  ${INSTALL}`, { cause })
  }
}

let loaded: Promise<Babel> | undefined

/** Babel, loaded when the first file needs it: most files of a project never do. */
export function loadBabel(): Promise<Babel> {
  loaded ??= import('@babel/core')
  return loaded
}
