import type { PluginObj } from '@babel/core'
import type { Babel, NodePath, types } from './babel.ts'
import { transform } from './transform.ts'

const SOURCE = /(^|\/)onnsight\/trace\.macro(\.c?js)?$/

export interface PluginOptions {
  /** Module that the output imports. @default 'onnsight/internal' */
  readonly runtime?: string
}

/** The macro as an ordinary Babel plugin: for set-ups without babel-plugin-macros. */
export default function onnsightPlugin(babel: Babel, options: PluginOptions = {}): PluginObj {
  return {
    name: 'onnsight',
    visitor: {
      Program(program, state) {
        const references: Record<string, NodePath[]> = {}
        const imports = program
          .get('body')
          .filter(statement => gather(statement as NodePath, references, program as NodePath<types.Program>))
        if (imports.length === 0) return
        const { file } = state as unknown as { file: { code: string; opts: { filename?: string; cwd: string } } }
        transform({
          babel,
          program: program as NodePath<types.Program>,
          references,
          code: file.code,
          filename: file.opts.filename,
          cwd: file.opts.cwd,
          runtime: options.runtime,
        })
        for (const statement of imports) statement.remove()
      },
    },
  }
}

/** Notes what a statement imports from the macro; false if nothing. */
function gather(
  statement: NodePath,
  references: Record<string, NodePath[]>,
  program: NodePath<types.Program>,
): boolean {
  const add = (imported: string, local: string): void => {
    const paths = program.scope.getBinding(local)?.referencePaths ?? []
    references[imported] = [...(references[imported] ?? []), ...(paths as NodePath[])]
  }
  if (statement.isImportDeclaration() && SOURCE.test(statement.node.source.value)) {
    if (statement.node.importKind === 'type') return false
    for (const specifier of statement.node.specifiers) {
      if (specifier.type === 'ImportSpecifier') {
        if (specifier.importKind === 'type') continue
        add(
          specifier.imported.type === 'Identifier' ? specifier.imported.name : specifier.imported.value,
          specifier.local.name,
        )
      } else if (specifier.type === 'ImportDefaultSpecifier') add('default', specifier.local.name)
      else
        throw statement.buildCodeFrameError(
          "import * can't be expanded. Write import { trace } from 'onnsight/trace.macro'",
        )
    }
    return true
  }
  if (!statement.isVariableDeclaration()) return false
  const [declarator] = statement.node.declarations
  const { init, id } = declarator
  if (
    init?.type !== 'CallExpression' ||
    init.callee.type !== 'Identifier' ||
    init.callee.name !== 'require' ||
    id.type !== 'ObjectPattern'
  )
    return false
  const [argument] = init.arguments
  if (argument?.type !== 'StringLiteral' || !SOURCE.test(argument.value)) return false
  for (const property of id.properties) {
    if (
      property.type === 'ObjectProperty' &&
      property.key.type === 'Identifier' &&
      property.value.type === 'Identifier'
    )
      add(property.key.name, property.value.name)
  }
  return true
}
