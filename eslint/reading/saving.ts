import type { Rule, SourceCode } from 'eslint'
import type { TracedBlock } from './blocks.ts'
import { isMacroSource, type Names } from './macro-names.ts'
import type { Node, NodeOf } from './nodes.ts'

/** Puts `save(…)` around what is assigned, and imports it where it is not yet. */
export function saving(
  values: readonly Node[],
  traced: TracedBlock,
  names: Names,
  source: SourceCode,
): Rule.ReportFixer {
  return fixer => {
    const local = names.localName('save') ?? names.libraryName('save')
    // A name of the user's own is in the way.
    if (local === undefined && source.scopeManager.scopes.some(scope => scope.set.has('save'))) return null
    const fixes = values.flatMap(value => [
      fixer.insertTextBefore(value, `${local ?? 'save'}(`),
      fixer.insertTextAfter(value, ')'),
    ])
    if (local !== undefined) return fixes
    const last = lastSpecifier(source, traced.expanded)
    return last ? [...fixes, fixer.insertTextAfter(last, ', save')] : fixes
  }
}

function lastSpecifier(source: SourceCode, fromMacro: boolean): NodeOf<'ImportSpecifier'> | undefined {
  for (const statement of source.ast.body) {
    if (statement.type !== 'ImportDeclaration') continue
    if ((statement as { importKind?: string }).importKind === 'type') continue
    if (!(fromMacro ? isMacroSource(statement.source) : statement.source.value === 'onnsight')) continue
    const last = statement.specifiers.findLast(specifier => specifier.type === 'ImportSpecifier')
    if (last) return last as NodeOf<'ImportSpecifier'>
  }
  return undefined
}
