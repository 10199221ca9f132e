import { readFile } from 'node:fs/promises'
import type { LoadHook } from 'node:module'
import { fileURLToPath } from 'node:url'
// These imports are static, because a dynamic import in a hook never resolves in Node 20.
import * as babel from '@babel/core'
import typescript from '@babel/preset-typescript'
import plugin from './plugin.ts'

export { resolve } from './resolve.ts'

// Matches files that require() the macro: Node 20 can't require() a module whose text comes from a hook.
const REQUIRED = /\brequire\(\s*['"]onnsight\/trace\.macro(\.c?js)?['"]/

// Babel 8 always allows `declare` fields, and refuses this option.
const TYPESCRIPT = babel.version.startsWith('7.') ? { allowDeclareFields: true } : {}

/** Node's load hook. TypeScript, and JavaScript that uses the macro, go through Babel. */
export const load: LoadHook = async (url, context, next) => {
  const kind = /\.([cm]?[jt]sx?)(\?.*)?$/.exec(url)?.[1]
  if (!url.startsWith('file:') || url.includes('/node_modules/') || !kind || kind === 'cts' || kind === 'cjs')
    return next(url, context)
  const isTypeScript = kind.includes('ts')
  const file = fileURLToPath(url)
  const source = await readFile(file, 'utf8')
  if (!isTypeScript && !source.includes('onnsight/trace.macro')) return next(url, context)
  if (!isTypeScript && context.format === 'commonjs') {
    if (!REQUIRED.test(source)) return next(url, context)
    throw new Error(
      `${file} is a CommonJS file, and onnsight/register expands the macro in modules only.\n` +
        `  Do this: use import, in a file named .mjs or in a package with "type": "module",\n` +
        "  or build the file by Babel with 'onnsight/babel-plugin'.",
    )
  }
  const options: babel.TransformOptions = {
    filename: file,
    configFile: false,
    babelrc: false,
    sourceType: 'module',
    sourceMaps: 'inline',
    presets: isTypeScript ? [[typescript, TYPESCRIPT]] : [],
    plugins: [plugin],
    parserOpts: { plugins: kind.endsWith('x') ? ['jsx'] : [] },
  }
  const result = await babel.transformAsync(source, options).catch(error => {
    throw withoutStack(error)
  })
  return { format: 'module', source: result?.code ?? '', shortCircuit: true }
}

/**
 * Removes Babel's frames from the stack. The message says what is wrong in the user's file, with a code frame. `ONNSIGHT_DEBUG` keeps them.
 */
function withoutStack(error: Error): Error {
  if (process.env.ONNSIGHT_DEBUG || !(error as { code?: string }).code?.startsWith('BABEL_')) return error
  const plain = error instanceof SyntaxError ? new SyntaxError(error.message) : new Error(error.message)
  plain.stack = `${plain.name}: ${plain.message}`
  return plain
}
