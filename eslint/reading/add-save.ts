import type { Rule, SourceCode } from 'eslint'
import type { TracedBlock } from './blocks.ts'
import { type ImportedNames, isMacroSource } from './imported-names.ts'
import type { Node, NodeOf } from './nodes.ts'

/** A fix that wraps the assigned values in `save(…)`, and imports `save` if the file does not. */
export function addSave(
  values: readonly Node[],
  traced: TracedBlock,
  names: ImportedNames,
  source: SourceCode,
): Rule.ReportFixer {
  return fixer => {
    const local = names.localName('save') ?? names.libraryName('save')
    // The file uses the name `save` for something else, so there is no fix.
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
