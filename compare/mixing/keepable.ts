import type { ModuleNode } from '../../runtime/names/tree.ts'
import { mainTap } from '../pairing/pair-values.ts'
import type { Pairing } from '../pairing/pairing.ts'
import { weightBytes } from '../pairing/weight-bytes.ts'
import type { Blamed } from '../report/data.ts'
import type { Side } from '../side.ts'
import { replacementOf } from './replacement.ts'

/**
 * Modules that can take their place in B, the guiltiest first, without those that lie in one before them, and by how many bytes they grow if
 * they stay as they are in A.
 */
export function keepable(
  { a, b }: { readonly a: Side; readonly b: Side },
  pairing: Pairing,
  blame: readonly Blamed[],
): { readonly module: string; readonly bytes: number }[] {
  const paired = new Set(pairing.values.map(pair => pair.a))
  const kept: { readonly module: string; readonly bytes: number }[] = []
  for (const { module, node, effect } of blame) {
    const found = node === null && effect !== 0 ? a.tree.get(module) : undefined
    const output = mainTap(a, found, 'out')?.tensor
    if (!found || output === undefined || !paired.has(output)) continue
    // A list of layers is nearly all of the model.
    if ([...subtree(found)].some(({ isList }) => isList)) continue
    if (kept.some(before => module.startsWith(`${before.module}.`))) continue
    if (typeof replacementOf(a, b, pairing, module) === 'string') continue
    const grown = (side: Side, one: ModuleNode | undefined): number =>
      one ? [...subtree(one)].reduce((sum, part) => sum + weightBytes(side, part), 0) : 0
    kept.push({ module, bytes: grown(a, found) - grown(b, pairing.modules.of(found)?.module) })
  }
  return kept
}

function* subtree(module: ModuleNode): Iterable<ModuleNode> {
  yield module
  for (const child of module.children.values()) yield* subtree(child)
}
