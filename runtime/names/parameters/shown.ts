import type { ModuleNode } from '../tree.ts'

export interface ShownParameter {
  readonly name: string
  /** The initializer that it is; undefined for one that is made of several, or turned around. */
  readonly initializer: string | undefined
  readonly dims: readonly number[] | undefined
  /** `4 bits`; '' where there is nothing to say. */
  readonly note: string
}

/** A module's parameters for people: those that act, without the parts that they are stored in. */
export function shownParameters(module: ModuleNode): ShownParameter[] {
  const parts = new Set([...module.parameters.values()].flatMap(({ stored }) => stored))
  return [
    ...[...module.parameters].map(([name, { dims, note }]) => ({ name, initializer: undefined, dims, note })),
    ...[...module.weights]
      .filter(([name, initializer]) => !parts.has(initializer) && !module.parameters.has(name))
      .map(([name, initializer]) => ({ name, initializer, dims: undefined, note: '' })),
  ]
}
