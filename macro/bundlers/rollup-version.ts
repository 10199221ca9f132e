/** Earlier ones take a hook for a function, where it is an object with its order. */
const LEAST = [2, 78]

/** @throws Error where a Rollup, or the one inside of Vite, is too old for the plugin */
export function assertRollupVersion(tool: 'rollup' | 'vite', version: string | undefined): void {
  if (version === undefined) return
  const [major, minor] = version.split('.').map(Number)
  if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) return
  const needed =
    tool === 'vite'
      ? `Vite 3 or newer, and this one builds with Rollup ${version}`
      : `Rollup ${LEAST.join('.')} or newer, and this is ${version}`
  throw new Error(`onnsight/${tool} needs ${needed}.\n  Do this: npm install --save-dev ${tool}@latest`)
}
