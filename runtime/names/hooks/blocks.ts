import { type Attention, isAttention, type NoAttention } from '../heads/attention.ts'
import type { Attentions } from '../heads/attentions.ts'
import type { ModuleNode, ModuleTree } from '../tree.ts'

/** One layer of a model, found by its attention. */
export interface Block {
  readonly layer: ModuleNode | undefined
  readonly attention: Attention | NoAttention
  readonly cross: Attention | undefined
  /** The index of the next block's attention node; for the last block, the number of nodes. */
  readonly end: number
}

/** The layers of a model, in running order. */
export function findBlocks(tree: ModuleTree, attentions: Attentions): Block[] {
  const all = attentions.in(tree.root)
  const layerOf = (found: Attention | NoAttention): ModuleNode | undefined => {
    let up: ModuleNode | undefined = tree.scopeOf(found.node)
    while (up?.parent && !up.parent.isList) up = up.parent
    return up?.parent ? up : undefined
  }
  const crosses = all.filter(found => isAttention(found) && found.isCross)
  const own = all.filter(found => !crosses.includes(found))
  const layersWithCross = new Set(crosses.map(layerOf))
  // If an encoder and a decoder are in one graph, these are the decoder's attentions.
  const meant = own.filter(found => crosses.length === 0 || layersWithCross.has(layerOf(found)))
  const blocks = meant.length > 0 ? meant : own
  return blocks.map((attention, i) => {
    const layer = layerOf(attention)
    const next = blocks[i + 1]
    const cross = crosses.find(
      found =>
        (layer ? layerOf(found) === layer : found.node.index > attention.node.index) &&
        (!next || found.node.index < next.node.index),
    )
    return {
      layer,
      attention,
      cross: cross as Attention | undefined,
      end: next?.node.index ?? tree.graph.nodes.length,
    }
  })
}
