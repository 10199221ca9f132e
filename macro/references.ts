import type { NodePath, types } from './babel.ts'
import { failAt } from './code-frame-error.ts'
import { destructureRequire } from './whole-require.ts'

/** The references to each imported name. */
export type References = Readonly<Record<string, readonly NodePath[] | undefined>>

const REQUIRE = /\brequire\b/
const SOURCE = /(^|\/)onnsight\/trace\.macro(\.c?js)?$/

/** The names that a file imports from the macro, and the import statements and declarators. */
export interface Imported {
  readonly references: References
  readonly imports: readonly NodePath[]
}

/**
 * Finds all uses of the macro in a file, however many imports it has: blocks of names from different imports may be nested. `source` is
 * another name of the macro’s module.
 */
export function importedBy(
  program: NodePath<types.Program>,
  code: string,
  { source, ErrorClass }: { source?: string; ErrorClass?: new (message: string) => Error } = {},
): Imported {
  const isMacro = (name: string): boolean => SOURCE.test(name) || name === source
  const references: Record<string, NodePath[]> = {}
  const imports: NodePath[] = []
  const add = (path: NodePath, imported: string, local: string): void => {
    const paths = path.scope.getBinding(local)?.referencePaths ?? []
    references[imported] = [...(references[imported] ?? []), ...(paths as NodePath[])]
  }
  const fail = (path: NodePath, message: string): Error => failAt(path, message, ErrorClass)
  for (const path of program.get('body')) {
    if (!path.isImportDeclaration()) continue
    const { node } = path
    const elsewhere = node.source.value === 'onnsight' && node.importKind !== 'type' ? namesOf(node) : []
    const form = elsewhere.find(name => OF_THE_MACRO.has(name))
    if (form) throw fail(path, `${form} comes from the macro. Write import { ${form} } from 'onnsight/trace.macro'`)
    if (!isMacro(node.source.value) || node.importKind === 'type') continue
    for (const specifier of node.specifiers) {
      if (specifier.type === 'ImportNamespaceSpecifier')
        throw fail(path, "import * can't be expanded. Write import { trace } from 'onnsight/trace.macro'")
      if (specifier.type === 'ImportDefaultSpecifier') add(path, 'default', specifier.local.name)
      else if (specifier.importKind !== 'type') add(path, nameOf(specifier.imported), specifier.local.name)
    }
    imports.push(path)
  }
  // Traversing the whole file takes long, and few files contain a `require`. A file without text is given as a tree.
  if (code !== '' && !REQUIRE.test(code)) return { references, imports }
  program.traverse({
    VariableDeclarator(path) {
      if (!isRequired(path.node.init, isMacro)) return
      destructureRequire(path)
      const { id } = path.node
      if (id.type !== 'ObjectPattern')
        throw fail(path, "The macro can't be held as a whole. Write const { trace } = require('onnsight/trace.macro')")
      for (const property of id.properties) {
        if (
          property.type !== 'ObjectProperty' ||
          property.key.type !== 'Identifier' ||
          property.value.type !== 'Identifier'
        )
          throw fail(
            path,
            "Only names can be taken from the macro. Write const { trace } = require('onnsight/trace.macro')",
          )
        add(path, property.key.name, property.value.name)
      }
      imports.push(path)
    },
  })
  return { references, imports }
}

/** Forms that `onnsight` does not export under these names: without a build they are methods of the model. */
const OF_THE_MACRO: ReadonlySet<string> = new Set(['trace', 'scan', 'edit', 'generate', 'session'])

const namesOf = ({ specifiers }: types.ImportDeclaration): string[] =>
  specifiers.flatMap(one => (one.type === 'ImportSpecifier' && one.importKind !== 'type' ? [nameOf(one.imported)] : []))

const nameOf = (imported: types.Identifier | types.StringLiteral): string =>
  imported.type === 'Identifier' ? imported.name : imported.value

/** Whether the expression is `require('onnsight/trace.macro')`. */
function isRequired(init: types.Node | null | undefined, isMacro: (name: string) => boolean): boolean {
  if (init?.type !== 'CallExpression' || init.callee.type !== 'Identifier' || init.callee.name !== 'require')
    return false
  const [argument] = init.arguments
  return argument?.type === 'StringLiteral' && isMacro(argument.value)
}
