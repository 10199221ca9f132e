import { createRequire } from 'node:module'
import { join } from 'node:path'
import { isAtLeast } from './is-at-least.ts'

/** Earlier ones take a hook for a function, where it is an object with its order. */
export const LEAST = { rollup: '2.78', vite: '3.2' } as const

/** @throws Error where a bundler is too old for the plugin */
export function assertVersion(tool: keyof typeof LEAST, version: string | undefined): void {
  if (version === undefined || isAtLeast(version, LEAST[tool])) return
  throw new Error(
    `onnsight/${tool} needs ${tool} ${LEAST[tool]} or newer, and this is ${version}.\n` +
      `  Do this: npm install --save-dev ${tool}@latest`,
  )
}

/** Vite tells plugins its version from 7 on only. Undefined where the project's own can't be found. */
export function viteVersion(root: string): string | undefined {
  try {
    const require = createRequire(join(root, 'package.json'))
    return (require('vite/package.json') as { version: string }).version
  } catch {
    return undefined
  }
}
