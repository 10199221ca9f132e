import type { BabelFileResult, ParserOptions } from '@babel/core'
import plugin from '../plugin.ts'
import { loadBabel } from './babel.ts'
import { buildError } from './build-error.ts'

export interface SourceFile {
  readonly code: string
  readonly file: string
  /** Messages name the file by its path from this folder. */
  readonly root: string
}

export interface Compiled {
  readonly code: string
  /** The source map as an object, because webpack does not accept it as text. */
  readonly map: NonNullable<BabelFileResult['map']>
}

/**
 * Expands the macro in a file and changes nothing else: TypeScript and JSX are left for the bundler. Returns undefined if the file does not
 * import the macro, for example because its name is only in a comment or in a type import.
 * @throws Error with place and code frame, if a block can't be captured, or the file can't be parsed
 */
export async function compile({ code, file, root }: SourceFile): Promise<Compiled | undefined> {
  const babel = await loadBabel()
  const result = await babel
    .transformAsync(code, {
      filename: file,
      sourceFileName: file,
      cwd: root,
      configFile: false,
      babelrc: false,
      sourceType: sourceTypeOf(file),
      sourceMaps: true,
      inputSourceMap: false as never,
      compact: false,
      highlightCode: false,
      plugins: [plugin],
      parserOpts: { plugins: syntaxOf(file) },
    })
    .catch((error: unknown) => {
      throw buildError(error, file, root)
    })
  const isExpanded = (result?.metadata as { onnsight?: boolean } | undefined)?.onnsight
  if (!result?.code || !result.map || !isExpanded) return undefined
  return { code: result.code, map: result.map }
}

function sourceTypeOf(file: string): 'module' | 'script' | 'unambiguous' {
  if (/\.m[jt]s$/.test(file)) return 'module'
  return /\.cjs$/.test(file) ? 'script' : 'unambiguous'
}

/** Returns the syntax that bundlers accept in such a file: JSX also in .js, because many projects have it there. */
function syntaxOf(file: string): ParserOptions['plugins'] {
  const isTypeScript = /\.[cm]?tsx?$/.test(file)
  const syntax: NonNullable<ParserOptions['plugins']> = ['explicitResourceManagement', 'importAttributes']
  // Only TypeScript's legacy decorators are allowed before parameters.
  syntax.push(isTypeScript ? 'decorators-legacy' : 'decorators')
  if (isTypeScript) syntax.push('typescript')
  if (!isTypeScript || file.endsWith('x')) syntax.push('jsx')
  return syntax
}
