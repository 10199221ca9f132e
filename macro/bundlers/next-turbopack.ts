import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { isAtLeast } from './is-at-least.ts'
import { options } from './next-options.ts'

type Rules = Readonly<Record<string, unknown>>

interface Turbopack {
  readonly rules?: Rules
  /** Conditions of rules, in Next.js 15.3 to 15.5. */
  readonly conditions?: Rules
}

export interface TurbopackConfig {
  readonly webpack?: unknown
  readonly turbopack?: Turbopack
  readonly experimental?: object
}

/** The loader by name: Turbopack resolves it from the project, whose files import onnsight too. */
const LOADER = { loader: 'onnsight/loader', options }
const GLOB = '*.{js,jsx,mjs,cjs,ts,tsx,mts,cts}'
const content = /onnsight\/trace\.macro/
const CONDITION = '#onnsight'

/**
 * Adds a rule by which files that import the macro go through the loader before all other rules.
 * @throws Error for a Turbopack that is too old
 */
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

/** Adds the rule in front, because rules are applied in order. */
function addTo(rules: Rules): Rules {
  const rule = { condition: { all: [{ not: 'foreign' }, { content }] }, loaders: [LOADER] }
  const { [GLOB]: own, ...others } = rules
  if (own === undefined) return { [GLOB]: rule, ...others }
  return { [GLOB]: [rule, own].flat(), ...others }
}

/**
 * Refuses a configuration that has only a `webpack` function, which Turbopack never calls. Next refuses it too, but only if there is no
 * `turbopack`, which this plugin adds.
 */
function assertMeant({ webpack, turbopack, experimental = {} }: TurbopackConfig): void {
  if (process.env.TURBOPACK !== 'auto' || !webpack || turbopack || 'turbo' in experimental) return
  throw new Error(
    'This configuration of Next has a webpack function, and Turbopack does not call it.\n' +
      '  Do this: next build --webpack (or next dev --webpack), or add turbopack: {} to the configuration if that is meant',
  )
}

/** Returns the version of the Next.js that runs: the one that its command or the project's own server has loaded. */
function nextVersion(): string {
  const require = createRequire(import.meta.url)
  const paths = [dirname(realpathSync(process.argv[1])), process.cwd()]
  const { version } = require(require.resolve('next/package.json', { paths })) as { version: string }
  return version
}
