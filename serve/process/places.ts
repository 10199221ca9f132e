import type { Program } from '../../runtime/engine/blocks/program.ts'
import { RefusedError } from '../../runtime/errors/serve.ts'
import type { Recording } from '../../runtime/graph/expression.ts'
import { normalise } from '../../runtime/graph/normalise.ts'
import type { Permission } from './messages.ts'

/** Checks that a recording reads and writes only where it may. @throws RefusedError */
export function checkPlaces(recording: Recording, program: Program, { deny, allowWeights }: Permission): void {
  const denied = deniedValues(program, deny)
  const check = (tensor: string, label: string): void => {
    if (!allowWeights && program.weights.has(tensor))
      throw new RefusedError(
        `The weights at ${label} may not be read here.`,
        'read what a module computes, .output, or ask whoever runs the server',
      )
    const pattern = denied.get(tensor)
    if (pattern !== undefined)
      throw new RefusedError(
        `The value at ${label} is out of reach here: the server denies ${pattern}.`,
        'use other places',
      )
  }
  for (const expression of normalise(recording).order) {
    if (expression.kind === 'read') check(expression.tap.tensor, expression.tap.label)
    else if (expression.kind === 'application')
      for (const tap of [expression.from, expression.to]) check(tap.tensor, tap.label)
  }
  for (const tap of recording.writes.keys()) check(tap.tensor, tap.label)
}

const known = new WeakMap<Program, Map<string, ReadonlyMap<string, string>>>()

/** Names of the values that are made in denied modules, whatever place they are read at, with the pattern that denies them. */
function deniedValues(program: Program, deny: readonly string[]): ReadonlyMap<string, string> {
  const own = known.get(program) ?? new Map<string, ReadonlyMap<string, string>>()
  known.set(program, own)
  const key = deny.join('\n')
  let found = own.get(key)
  if (!found) {
    const values = new Map<string, string>()
    for (const pattern of deny)
      for (const module of program.tree.modules)
        if (matches(pattern, module.path))
          for (const index of module.nodes)
            for (const name of program.graph.nodes[index].outputs) if (name !== '') values.set(name, pattern)
    found = values
    own.set(key, found)
  }
  return found
}

/** `*` stands for one part of a path, `**` for any number. */
function matches(pattern: string, path: string): boolean {
  const parts = pattern.split('.').map(part => {
    if (part === '**') return '.*'
    return part.replace(/[\\^$+?()[\]{}|]/g, '\\$&').replaceAll('*', '[^.]*')
  })
  return new RegExp(`^${parts.join('\\.')}$`).test(path)
}
