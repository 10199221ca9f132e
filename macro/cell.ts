import * as babel from '@babel/core'
import typescript from '@babel/preset-typescript'
import plugin from './plugin.ts'

export interface CellOptions {
  /** How messages name it. @default '<cell>' */
  readonly name?: string
  /** @default true */
  readonly typescript?: boolean
}

/**
 * The text of a notebook cell or of a line in an interactive console with the macro expanded: what tslab, IJavascript or a console of your
 * own evaluates in its place. `import` and `require` both work; code frames and line numbers are the cell's own.
 * @throws Error with a code frame where a block can't be captured
 */
export function compileCell(
  code: string,
  { name = '<cell>', typescript: isTypeScript = true }: CellOptions = {},
): string {
  const filename = `${name}.${isTypeScript ? 'ts' : 'js'}`
  const result = babel.transformSync(code, {
    filename,
    configFile: false,
    babelrc: false,
    sourceType: 'unambiguous',
    // Notebooks show text as it is.
    highlightCode: false,
    presets: isTypeScript ? [typescript] : [],
    plugins: [[plugin, { file: name, cell: true }]],
    parserOpts: { allowAwaitOutsideFunction: true, allowReturnOutsideFunction: true },
  })
  return result?.code ?? ''
}
