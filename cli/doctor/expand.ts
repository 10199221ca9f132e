import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Babel from '@babel/core'
import { say } from './child.ts'

/* Runs a project's own Babel, with its own configuration, on a file that uses the macro: expand.js PROJECT FILE BABEL. */

/** Never written: a configuration may treat files by their place. */
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
  // The expanded block keeps its own text, with the macro's name: what it imports tells.
  const code = result?.code ?? ''
  say({
    // There is none for a file that the configuration leaves out.
    configured: config === null || config.hasFilesystemConfig(),
    expanded: code.includes('onnsight/internal'),
    version: babel.version,
  })
} catch (error) {
  say({ reason: error instanceof Error ? error.message : String(error) })
}
