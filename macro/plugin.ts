import type { PluginObj } from '@babel/core'
import type { Babel, NodePath, types } from './babel.ts'
import { importedBy } from './references.ts'
import { transform } from './transform.ts'

export interface PluginOptions {
  /** The module that the output imports. @default 'onnsight/internal' */
  readonly runtime?: string
  /** The name of the file in messages, if it is not on disk. @default its path from the current folder */
  readonly file?: string
  /** Whether the text is a cell of a notebook: names that it does not declare are variables of earlier cells. */
  readonly cell?: boolean
}

interface BabelFile {
  readonly code: string
  readonly opts: { readonly filename?: string; readonly cwd: string }
  /** Data for the caller of Babel: whether the file uses the macro. */
  readonly metadata: { onnsight?: boolean }
}

/** The macro as an ordinary Babel plugin, for set-ups without babel-plugin-macros. */
export default function onnsightPlugin(babel: Babel, options: PluginOptions = {}): PluginObj {
  return {
    name: 'onnsight',
    visitor: {
      Program(program, state) {
        const { file } = state as unknown as { file: BabelFile }
        const { references, imports } = importedBy(program as NodePath<types.Program>, file.code)
        if (imports.length === 0) return
        file.metadata.onnsight = true
        transform({
          babel,
          program: program as NodePath<types.Program>,
          references,
          code: file.code,
          filename: file.opts.filename,
          cwd: file.opts.cwd,
          runtime: options.runtime,
          file: options.file,
          cell: options.cell,
        })
        for (const path of imports) path.remove()
      },
    },
  }
}
