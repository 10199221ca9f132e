import type { Scope, SourceCode } from 'eslint'
import { initOf, type Node, type NodeOf, unwrap, variableOf } from './nodes.ts'

/** The sources of the macro, by the same pattern as in its Babel plugin. */
const SOURCE = /(^|\/)onnsight\/trace\.macro(\.c?js)?$/

export function isMacroSource(node: unknown): boolean {
  const { type, value } = (node ?? {}) as { type?: string; value?: unknown }
  return type === 'Literal' && typeof value === 'string' && SOURCE.test(value)
}

/** Whether a node is `require('onnsight/trace.macro')`. */
export function isMacroRequire(node: Node): node is NodeOf<'CallExpression'> & Node {
  return (
    node.type === 'CallExpression' &&
    node.callee.type === 'Identifier' &&
    node.callee.name === 'require' &&
    isMacroSource(node.arguments[0])
  )
}

/** The names that a file imports from onnsight and from its macro. */
export class ImportedNames {
  readonly #source: SourceCode
  /** The macro's names by the variables that they are imported as. */
  readonly #macro = new Map<Scope.Variable, string>()
  /** The same for the names of the package onnsight. */
  readonly #library = new Map<Scope.Variable, string>()

  constructor(source: SourceCode) {
    this.#source = source
    for (const statement of source.ast.body) {
      if (statement.type === 'ImportDeclaration') {
        const isLibrary = statement.source.value === 'onnsight'
        if (!isLibrary && !isMacroSource(statement.source)) continue
        for (const specifier of statement.specifiers) {
          if (specifier.type !== 'ImportSpecifier') continue
          const { imported } = specifier
          const name = imported.type === 'Identifier' ? imported.name : String(imported.value)
          const into = isLibrary ? this.#library : this.#macro
          for (const variable of source.scopeManager.getDeclaredVariables(specifier)) into.set(variable, name)
        }
      } else if (statement.type === 'VariableDeclaration') {
        for (const { id, init } of statement.declarations) {
          if (!init || !isMacroRequire(init as Node) || id.type !== 'ObjectPattern') continue
          for (const property of id.properties) {
            if (property.type !== 'Property' || property.key.type !== 'Identifier') continue
            if (property.value.type !== 'Identifier') continue
            const variable = variableOf(property.value as NodeOf<'Identifier'>, source)
            if (variable) this.#macro.set(variable, property.key.name)
          }
        }
      }
    }
  }

  /** The variables imported from the macro, with the macro's own names for them. */
  get macroVariables(): ReadonlyMap<Scope.Variable, string> {
    return this.#macro
  }

  /** The macro's name for an identifier: `trace`, `save`. Undefined if it was not imported from the macro. */
  macro(node: unknown): string | undefined {
    return this.#name(node, this.#macro)
  }

  /** The package's name for an identifier: `load`. Undefined if it was not imported from onnsight. */
  library(node: unknown): string | undefined {
    return this.#name(node, this.#library)
  }

  /** The file's own name for a name of the macro; undefined if the file does not import it. */
  localName(macroName: string): string | undefined {
    return localNameOf(this.#macro, macroName)
  }

  /** The file's own name for a name of the package; undefined if the file does not import it. */
  libraryName(libraryName: string): string | undefined {
    return localNameOf(this.#library, libraryName)
  }

  /** All uses of a name that is imported from the macro or from the package. */
  referencesTo(name: string): Node[] {
    return [...this.#macro, ...this.#library]
      .filter(([, known]) => known === name)
      .flatMap(([variable]) => variable.references.map(({ identifier }) => identifier as Node))
  }

  /** Whether a variable holds the result of `await load(…)`. */
  isLoaded(variable: Scope.Variable): boolean {
    const init = initOf(variable)
    const awaited = init ? unwrap(init) : undefined
    if (awaited?.type !== 'AwaitExpression') return false
    const call = unwrap(awaited.argument)
    return call.type === 'CallExpression' && this.library(call.callee) === 'load'
  }

  #name(node: unknown, imported: ReadonlyMap<Scope.Variable, string>): string | undefined {
    const identifier = unwrap(node)
    if (identifier.type !== 'Identifier') return undefined
    const variable = variableOf(identifier as NodeOf<'Identifier'>, this.#source)
    return variable && imported.get(variable)
  }
}

function localNameOf(variables: ReadonlyMap<Scope.Variable, string>, importedName: string): string | undefined {
  for (const [variable, name] of variables) if (name === importedName) return variable.name
  return undefined
}

const known = new WeakMap<SourceCode, ImportedNames>()

/** The imported names of a file. All rules share the result. */
export function namesOf(source: SourceCode): ImportedNames {
  let names = known.get(source)
  if (!names) {
    names = new ImportedNames(source)
    known.set(source, names)
  }
  return names
}
