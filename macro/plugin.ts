import type { PluginObj } from '@babel/core'
import type { Babel, NodePath, types } from './babel.ts'
import { failAt } from './fail.ts'
import { transform } from './transform.ts'

const SOURCE = /(^|\/)onnsight\/trace\.macro(\.c?js)?$/

export interface PluginOptions {
  /** Module that the output imports. @default 'onnsight/internal' */
  readonly runtime?: string
  /** How messages name the file, where it is none on disk. @default its path from the current folder */
  readonly file?: string
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
        const references: Record<string, NodePath[]> = {}
        const imports = program
          .get('body')
          .flatMap(statement => gather(statement as NodePath, references, program as NodePath<types.Program>))
        if (imports.length === 0) return
        const { file } = state as unknown as { file: BabelFile }
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
        })
        for (const path of imports) path.remove()
      },
    },
  }
}

/** Notes what a statement imports from the macro; gives what is to be removed then. */
function gather(
  statement: NodePath,
  references: Record<string, NodePath[]>,
  program: NodePath<types.Program>,
): NodePath[] {
  const add = (imported: string, local: string): void => {
    const paths = program.scope.getBinding(local)?.referencePaths ?? []
    references[imported] = [...(references[imported] ?? []), ...(paths as NodePath[])]
  }
  if (statement.isImportDeclaration() && SOURCE.test(statement.node.source.value)) {
    if (statement.node.importKind === 'type') return []
    for (const specifier of statement.node.specifiers) {
      if (specifier.type === 'ImportSpecifier') {
        if (specifier.importKind === 'type') continue
        add(
          specifier.imported.type === 'Identifier' ? specifier.imported.name : specifier.imported.value,
          specifier.local.name,
        )
      } else if (specifier.type === 'ImportDefaultSpecifier') add('default', specifier.local.name)
      else throw failAt(statement, "import * can't be expanded. Write import { trace } from 'onnsight/trace.macro'")
    }
    return [statement]
  }
  if (!statement.isVariableDeclaration()) return []
  const found: NodePath[] = []
  for (const declarator of statement.get('declarations')) {
    if (!isRequired(declarator.node.init)) continue
    found.push(declarator as NodePath)
    const { id } = declarator.node
    if (id.type !== 'ObjectPattern')
      throw failAt(
        declarator,
        "The macro can't be held as a whole. Write const { trace } = require('onnsight/trace.macro')",
      )
    for (const property of id.properties) {
      if (
        property.type !== 'ObjectProperty' ||
        property.key.type !== 'Identifier' ||
        property.value.type !== 'Identifier'
      )
        throw failAt(
          declarator,
          "Only names can be taken from the macro. Write const { trace } = require('onnsight/trace.macro')",
        )
      add(property.key.name, property.value.name)
    }
  }
  return found
}

/** `require('onnsight/trace.macro')`. */
function isRequired(init: types.Node | null | undefined): boolean {
  if (init?.type !== 'CallExpression' || init.callee.type !== 'Identifier' || init.callee.name !== 'require')
    return false
  const [argument] = init.arguments
  return argument?.type === 'StringLiteral' && SOURCE.test(argument.value)
}
