import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Babel from '@babel/core'
import { sendAnswer } from './child.ts'

/* Runs a project's own Babel, with its own configuration, on a file that uses the macro: expand.js PROJECT FILE BABEL. */

/** The source of a file that is never written to disk. It only has a path, because a configuration may depend on a file's path. */
const source = `import { trace } from 'onnsight/trace.macro'
export const run = model => trace(model, [[1]], () => model.output)`

const [folder, file, name] = process.argv.slice(2)
try {
  const path = createRequire(join(folder, 'package.json')).resolve(name)
  const module = (await import(pathToFileURL(path).href)) as typeof Babel & { readonly default?: typeof Babel }
  const babel = module.default ?? module
  const options = { filename: file, cwd: folder, root: folder, sourceType: 'module' } as const
  const config = await babel.loadPartialConfigAsync(options)
  const result = await babel.transformAsync(source, options)
  // The expanded code keeps the block's source text, which has the macro's name, so look for its import instead.
  const code = result?.code ?? ''
  sendAnswer({
    // The config is null if the configuration ignores the file.
    configured: config === null || config.hasFilesystemConfig(),
    expanded: code.includes('onnsight/internal'),
    version: babel.version,
  })
} catch (error) {
  sendAnswer({ reason: error instanceof Error ? error.message : String(error) })
}
