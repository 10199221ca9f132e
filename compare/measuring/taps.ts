import type { Tap } from '../../runtime/graph/expression.ts'
import { readActivation, writeActivation } from '../../runtime/model/modules/activation.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { Side } from '../side.ts'

/** Where a value is read and replaced: where it leaves its module, or right behind its node if its module reads it too. */
function tapOf({ taps, tree, graph }: Side, value: string): Tap {
  const node = graph.producer.get(value)?.node
  if (!node) return taps.tensorTap(value)
  const scope = tree.scopeOf(node)
  const inside = new Set(scope.nodes)
  const isReadInside = (graph.consumers.get(value) ?? []).some(({ index }) => inside.has(index))
  return (isReadInside ? undefined : taps.find(scope.path, 'out', value)) ?? taps.tensorTap(value)
}

/** A value as numbers, in the current trace. */
export const readValue = (side: Side, value: string): Tensor => readActivation(side.binding, tapOf(side, value))

/** Replaces a value for all that read it, in the current trace. */
export function writeValue(side: Side, value: string, written: Tensor): void {
  writeActivation(side.binding, tapOf(side, value), written)
}
