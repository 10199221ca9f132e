import { CompareUnrelatedError } from '../../runtime/errors/compare.ts'
import { listed } from '../../runtime/errors/listed.ts'
import { resolvePath } from '../../runtime/names/resolve.ts'
import type { InputPair } from '../inputs.ts'
import type { Side } from '../side.ts'
import { computing, type ModulePairs, pairByPath, pairOthers } from './pair-modules.ts'
import { computesAfter, pairValues, type ValuePair } from './pair-values.ts'
import { sameWeights } from './same-weights.ts'

/** The modules and values of two models that correspond to each other. */
export interface Pairing {
  readonly modules: ModulePairs
  readonly values: readonly ValuePair[]
  /** Whether B still computes something after the last paired values, other than storing them in another form. */
  readonly hasMoreAfter: boolean
}

/**
 * Pairs the modules and values of two models.
 * @param inside the path of a module of A whose nodes are paired too
 * @throws CompareUnrelatedError if no value has a partner; UnknownModuleError
 */
export async function pairModels(a: Side, b: Side, inputs: InputPair, inside?: string): Promise<Pairing> {
  const modules = pairByPath(a.tree, b.tree)
  pairOthers(modules, a.tree, b.tree, await sameWeights(a, b, modules, inputs))
  const opened = inside === undefined ? undefined : resolvePath(a.tree.root, inside)
  const values = pairValues(a, b, modules, inputs.arrangement, opened)
  // Of two networks that have nothing to do with each other, only the outputs have the same names.
  const isFound = values.some(({ owner, node }) => owner.path !== '' || node !== undefined)
  if (isFound) return { modules, values, hasMoreAfter: computesAfter(b, values) }
  const paths = ({ tree }: Side): string =>
    listed(
      computing(tree)
        .flatMap(({ path }) => path || [])
        .slice(0, 4),
    ) || 'none'
  throw new CompareUnrelatedError(
    `No module of one model has a partner in the other. Modules of the first: ${paths(a)}; of the second: ${paths(b)}.`,
    'compare two builds of one model: look at both with onnsight inspect',
  )
}
