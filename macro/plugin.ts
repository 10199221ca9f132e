import type { PluginObj } from '@babel/core'
import type { Babel, NodePath, types } from './babel.ts'
import { importedBy } from './references.ts'
import { transform } from './transform.ts'

export interface PluginOptions {
  /** Module that the output imports. @default 'onnsight/internal' */
  readonly runtime?: string
  /** How messages name the file, where it is none on disk. @default its path from the current folder */
  readonly file?: string
  /** The text is a cell: what it declares nowhere, an earlier one does. */
  readonly cell?: boolean
}

interface BabelFile {
  readonly code: string
  readonly opts: { readonly filename?: string; readonly cwd: string }
  /** What Babel gives to who called it: whether the macro stood in the file. */
  readonly metadata: { onnsight?: boolean }
}

/** The macro as an ordinary Babel plugin: for set-ups without babel-plugin-macros. */
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
