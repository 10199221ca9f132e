import { fileURLToPath } from 'node:url'
import { options } from './next-options.ts'
import { SOURCES } from './project.ts'

export interface WebpackConfig {
  readonly module?: { readonly rules?: readonly unknown[] }
}

const RULE = {
  test: SOURCES,
  exclude: /[\\/]node_modules[\\/]/,
  enforce: 'pre',
  use: [{ loader: fileURLToPath(new URL('./webpack-loader.js', import.meta.url)), options }],
}

/** Adds the loader before all others, in each build that Next makes: for Node, for the edge and for browsers. */
export function addWebpackRule(config: WebpackConfig): WebpackConfig {
  return { ...config, module: { ...config.module, rules: [...(config.module?.rules ?? []), RULE] } }
}
