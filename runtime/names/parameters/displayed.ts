import type { ModuleNode } from '../tree.ts'

export interface DisplayedParameter {
  readonly name: string
  /** The initializer that holds it; undefined if it is made of several, or stored transposed. */
  readonly initializer: string | undefined
  readonly dims: readonly number[] | undefined
  /** `4 bits`, or ''. */
  readonly note: string
}

/** A module's parameters as they are displayed: without the scales, zero points and packed data that they are made of. */
export function displayedParameters(module: ModuleNode): DisplayedParameter[] {
  const parts = new Set([...module.parameters.values()].flatMap(({ stored }) => stored))
  return [
    ...[...module.parameters].map(([name, { dims, note }]) => ({ name, initializer: undefined, dims, note })),
    ...[...module.weights]
      .filter(([name, initializer]) => !parts.has(initializer) && !module.parameters.has(name))
      .map(([name, initializer]) => ({ name, initializer, dims: undefined, note: '' })),
  ]
}
