import { createWebpackPlugin, type UnpluginInstance } from 'unplugin'
import type { BundlerOptions } from './options.ts'
import { bundlerPlugin } from './plugin.ts'

/** Expands the macro in a build by webpack 5: `plugins: [onnsight()]`. @throws Error where @babel/core is not installed */
const onnsight: UnpluginInstance<BundlerOptions | undefined, false>['webpack'] = createWebpackPlugin(bundlerPlugin)

// require() returns the export named 'module.exports', so that a CommonJS configuration gets the function itself.
export { type BundlerOptions, onnsight as default, onnsight as 'module.exports' }
