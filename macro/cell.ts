import * as babel from '@babel/core'
import typescript from '@babel/preset-typescript'
import plugin from './plugin.ts'

export interface CellOptions {
  /** The name of the cell in messages. @default '<cell>' */
  readonly name?: string
  /** Whether the cell may be TypeScript. @default true */
  readonly typescript?: boolean
}

/**
 * Expands the macro in the text of a notebook cell or of a line in an interactive console. tslab, IJavascript or a console of your own
 * evaluate the result in its place. `import` and `require` both work; code frames and line numbers are the cell's own.
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
    // Notebooks don't interpret terminal colours.
    highlightCode: false,
    presets: isTypeScript ? [typescript] : [],
    plugins: [[plugin, { file: name, cell: true }]],
    parserOpts: { allowAwaitOutsideFunction: true, allowReturnOutsideFunction: true },
  })
  return result?.code ?? ''
}
