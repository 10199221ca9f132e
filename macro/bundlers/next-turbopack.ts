import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { isAtLeast } from './is-at-least.ts'
import { options } from './next-options.ts'

type Rules = Readonly<Record<string, unknown>>

interface Turbopack {
  readonly rules?: Rules
  /** Next.js 15.3 to 15.5 */
  readonly conditions?: Rules
}

export interface TurbopackConfig {
  readonly webpack?: unknown
  readonly turbopack?: Turbopack
  readonly experimental?: object
}

/** By name, which Turbopack resolves from the project: its files import onnsight too. */
const LOADER = { loader: 'onnsight/loader', options }
const GLOB = '*.{js,jsx,mjs,cjs,ts,tsx,mts,cts}'
const content = /onnsight\/trace\.macro/
const CONDITION = '#onnsight'

/** Has files that import the macro go through the loader, before what other rules do with them. @throws Error for an older Turbopack */
export function addTurbopackRule<C extends TurbopackConfig>(config: C): C {
  const version = nextVersion()
  if (isAtLeast(version, '16')) {
    assertMeant(config)
    return { ...config, turbopack: { ...config.turbopack, rules: addTo(config.turbopack?.rules ?? {}) } }
  }
  if (!isAtLeast(version, '15.3')) throw new Error(TOO_OLD.replace('%', version))
  const { conditions = {}, rules = {} } = config.turbopack ?? {}
  return {
    ...config,
    turbopack: {
      ...config.turbopack,
      conditions: { ...conditions, [CONDITION]: { path: GLOB, content } },
      rules: { [CONDITION]: { foreign: false, default: { loaders: [LOADER] } }, ...rules },
    },
  }
}

const TOO_OLD =
  'onnsight/next works with Turbopack from Next.js 15.3 on, and this project has %.\n' +
  '  Do this: npm install next@latest, or leave --turbo away: by webpack it works here too'

/** Rules are applied in their order, so this one comes first. */
function addTo(rules: Rules): Rules {
  const rule = { condition: { all: [{ not: 'foreign' }, { content }] }, loaders: [LOADER] }
  const { [GLOB]: own, ...others } = rules
  if (own === undefined) return { [GLOB]: rule, ...others }
  return { [GLOB]: [rule, own].flat(), ...others }
}

/** A `webpack` function that nobody calls: Next stops there, but only where there is no `turbopack`, which there will be. */
function assertMeant({ webpack, turbopack, experimental = {} }: TurbopackConfig): void {
  if (process.env.TURBOPACK !== 'auto' || !webpack || turbopack || 'turbo' in experimental) return
  throw new Error(
    'This configuration of Next has a webpack function, and Turbopack does not call it.\n' +
      '  Do this: next build --webpack (or next dev --webpack), or add turbopack: {} to the configuration if that is meant',
  )
}

/** Of the Next that runs, which is the one that its command or the project's own server leads to. */
function nextVersion(): string {
  const require = createRequire(import.meta.url)
  const paths = [dirname(realpathSync(process.argv[1])), process.cwd()]
  const { version } = require(require.resolve('next/package.json', { paths })) as { version: string }
  return version
}
