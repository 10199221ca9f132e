import { requireBabel } from './babel.ts'
import { addTurbopackRule, type TurbopackConfig } from './next-turbopack.ts'
import { addWebpackRule, type WebpackConfig } from './next-webpack.ts'

interface Config extends TurbopackConfig {
  readonly webpack?: ((config: WebpackConfig, context: unknown) => WebpackConfig | undefined) | null
}

type Made = Config | PromiseLike<Config>

/**
 * Expands the macro in a Next.js project, with Turbopack and with webpack: `export default withOnnsight(nextConfig)` in next.config.ts, .mjs or
 * .js. It keeps all other parts of the configuration.
 * @param config a configuration that Next accepts: an object, a function that returns one, or nothing. The result is of the same kind.
 * @throws TypeError for anything else
 * @throws Error where @babel/core is not installed, or where Turbopack is older than that of Next.js 15.3: when Next builds or starts to develop
 */
export function withOnnsight<C extends object = object>(config?: C): C {
  if (config !== undefined && ((typeof config !== 'object' && typeof config !== 'function') || config === null))
    throw new TypeError(
      `withOnnsight takes Next's configuration, and was given ${config === null ? 'null' : typeof config}.\n` +
        '  Do this: withOnnsight({ … }), or withOnnsight((phase, context) => ({ … }))',
    )
  if (typeof config !== 'function') return added((config ?? {}) as Made) as C
  const make = config as unknown as (...args: unknown[]) => Made
  return ((...args: unknown[]) => added(make(...args))) as unknown as C
}

function added(config: Made): Made {
  if ('then' in config) return config.then(add)
  return add(config)
}

function add(config: Config): Config {
  // Next sets TURBOPACK before it reads its configuration. `next start` sets neither, and may lack packages that only builds need.
  if (!process.env.TURBOPACK) return { ...config, webpack: withWebpack(config.webpack) }
  requireBabel('next')
  return addTurbopackRule(config)
}

function withWebpack(own: Config['webpack']): NonNullable<Config['webpack']> {
  return (config, context) => {
    requireBabel('next')
    const changed = own ? own(config, context) : config
    // If the function returns nothing, Next's own error is better.
    return changed?.module ? addWebpackRule(changed) : changed
  }
}
