import type { BabelFileResult, ParserOptions } from '@babel/core'
import plugin from '../plugin.ts'
import { loadBabel } from './babel.ts'
import { buildError } from './build-error.ts'

export interface SourceFile {
  readonly code: string
  readonly file: string
  /** Folder that messages name the file from. */
  readonly root: string
}

export interface Compiled {
  readonly code: string
  /** An object: loaders that hand it on to others, as webpack does, take no text. */
  readonly map: NonNullable<BabelFileResult['map']>
}

/**
 * The file with the macro expanded, and nothing else changed: TypeScript and JSX are left for the bundler. Undefined where the macro is not
 * imported: its name stands in a comment, or in a type's import.
 * @throws Error with place and code frame, where a block can't be captured or the file can't be read
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

/** What bundlers read in such a file: JSX in .js too, since many projects have it there. */
function syntaxOf(file: string): ParserOptions['plugins'] {
  const isTypeScript = /\.[cm]?tsx?$/.test(file)
  const syntax: NonNullable<ParserOptions['plugins']> = ['explicitResourceManagement', 'importAttributes']
  // TypeScript's own decorators may stand before parameters.
  syntax.push(isTypeScript ? 'decorators-legacy' : 'decorators')
  if (isTypeScript) syntax.push('typescript')
  if (!isTypeScript || file.endsWith('x')) syntax.push('jsx')
  return syntax
}
