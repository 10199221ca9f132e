import { createRequire } from 'node:module'
import { join } from 'node:path'
import { isAtLeast } from './is-at-least.ts'

/** The least versions: earlier ones expect a hook to be a function, and unplugin makes an object with an order. */
export const LEAST = { rollup: '2.78', vite: '3.2' } as const

/** Checks the version of a bundler. @throws Error if it is too old for the plugin */
export function assertVersion(tool: keyof typeof LEAST, version: string | undefined): void {
  if (version === undefined || isAtLeast(version, LEAST[tool])) return
  throw new Error(
    `onnsight/${tool} needs ${tool} ${LEAST[tool]} or newer, and this is ${version}.\n` +
      `  Do this: npm install --save-dev ${tool}@latest`,
  )
}

/** Finds the project's version of Vite, which tells it to plugins only from version 7 on. Returns undefined if it can't be found. */
export function viteVersion(root: string): string | undefined {
  try {
    const require = createRequire(join(root, 'package.json'))
    return (require('vite/package.json') as { version: string }).version
  } catch {
    return undefined
  }
}
