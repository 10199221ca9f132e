import type { Scope, SourceCode } from 'eslint'
import { bare, initOf, type Node, type NodeOf, variableOf } from './nodes.ts'

/** As the macro's plugin recognises it. */
const SOURCE = /(^|\/)onnsight\/trace\.macro(\.c?js)?$/

export function isMacroSource(node: unknown): boolean {
  const { type, value } = (node ?? {}) as { type?: string; value?: unknown }
  return type === 'Literal' && typeof value === 'string' && SOURCE.test(value)
}

/** `require('onnsight/trace.macro')`. */
export function isMacroRequire(node: Node): node is NodeOf<'CallExpression'> & Node {
  return (
    node.type === 'CallExpression' &&
    node.callee.type === 'Identifier' &&
    node.callee.name === 'require' &&
    isMacroSource(node.arguments[0])
  )
}

/** What a file's names mean, as far as they come from onnsight. */
export class Names {
  readonly #source: SourceCode
  /** Names of the macro by the variables that stand for them. */
  readonly #macro = new Map<Scope.Variable, string>()
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

  /** The macro's variables, with their names there. */
  get macroVariables(): ReadonlyMap<Scope.Variable, string> {
    return this.#macro
  }

  /** What a name is in the macro: `trace`, `save`. */
  macro(node: unknown): string | undefined {
    return this.#name(node, this.#macro)
  }

  /** What a name is in the library: `load`. */
  library(node: unknown): string | undefined {
    return this.#name(node, this.#library)
  }

  /** What a file calls a form of the macro; undefined where it does not import it. */
  localName(macroName: string): string | undefined {
    return nameAmong(this.#macro, macroName)
  }

  /** The same of the library. */
  libraryName(libraryName: string): string | undefined {
    return nameAmong(this.#library, libraryName)
  }

  /** Where a form is used, of the macro's or the library's. */
  referencesTo(name: string): Node[] {
    return [...this.#macro, ...this.#library]
      .filter(([, known]) => known === name)
      .flatMap(([variable]) => variable.references.map(({ identifier }) => identifier as Node))
  }

  /** Whether a variable holds what `await load(…)` gave. */
  isLoaded(variable: Scope.Variable): boolean {
    const init = initOf(variable)
    const awaited = init ? bare(init) : undefined
    if (awaited?.type !== 'AwaitExpression') return false
    const call = bare(awaited.argument)
    return call.type === 'CallExpression' && this.library(call.callee) === 'load'
  }

  #name(node: unknown, among: ReadonlyMap<Scope.Variable, string>): string | undefined {
    const identifier = bare(node)
    if (identifier.type !== 'Identifier') return undefined
    const variable = variableOf(identifier as NodeOf<'Identifier'>, this.#source)
    return variable && among.get(variable)
  }
}

function nameAmong(variables: ReadonlyMap<Scope.Variable, string>, wanted: string): string | undefined {
  for (const [variable, name] of variables) if (name === wanted) return variable.name
  return undefined
}

const known = new WeakMap<SourceCode, Names>()

/** Of one file, once for all rules. */
export function namesOf(source: SourceCode): Names {
  let names = known.get(source)
  if (!names) {
    names = new Names(source)
    known.set(source, names)
  }
  return names
}
