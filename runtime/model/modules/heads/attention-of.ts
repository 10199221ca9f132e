import type { Engine } from '../../../engine/engine.ts'
import { asCode } from '../../../errors/as-code.ts'
import { listed } from '../../../errors/listed.ts'
import { NoHeadsError } from '../../../errors/names.ts'
import { type Attention, isAttention } from '../../../names/heads/attention.ts'
import { Attentions } from '../../../names/heads/attentions.ts'
import type { ModuleNode } from '../../../names/tree.ts'
import type { Binding } from '../binding.ts'

const known = new WeakMap<Engine['program'], Attentions>()

/** The attentions of the branches that the current trace's inputs chose. */
export function attentionsOf({ engine: { program } }: Binding): Attentions {
  let attentions = known.get(program)
  if (!attentions) {
    attentions = new Attentions(program.tree, value => program.dimsOf(value))
    known.set(program, attentions)
  }
  return attentions
}

/** The attention of a module. @throws NoHeadsError for a module with none, with several, or with one whose heads can't be told apart */
export function attentionOf(binding: Binding, module: ModuleNode, label: string): Attention {
  const attentions = attentionsOf(binding)
  const all = attentions.in(module)
  const found = all.filter(isAttention)
  if (found.length === 1) return found[0]
  if (found.length > 1) {
    const inside = attentions.modulesWithOne(module).map(({ path }) => path)
    const nodes = found.map(({ node }) => node.name)
    throw new NoHeadsError(
      label,
      `${module.path || 'the model'} has ${found.length} attentions: ${listed(inside.length > 0 ? inside : nodes)}`,
      inside.length > 0 ? `pick one: ${asHeads(inside[0])}` : undefined,
    )
  }
  const [first] = all
  const other = attentions.modulesWithOne(binding.taps.tree.root)[0]
  throw new NoHeadsError(
    label,
    first && !isAttention(first)
      ? first.reason
      : `${module.path || 'the model'} has no attention: no Softmax in it mixes values by scores of queries and keys`,
    other && !first ? `use one that has: ${asHeads(other.path)}` : undefined,
  )
}

/** The module of a layer's self-attention, if the layer has a cross-attention beside it; otherwise the layer itself. */
export function selfAttentionIn(binding: Binding, layer: ModuleNode): ModuleNode {
  const attentions = attentionsOf(binding)
  const all = attentions.in(layer).filter(isAttention)
  const own = all.filter(({ isCross }) => !isCross)
  if (own.length !== 1 || all.length === 1) return layer
  return attentions.modulesWithOne(layer).find(module => attentions.in(module).includes(own[0])) ?? layer
}

const asHeads = (path: string): string => `${asCode(path)}.heads[0]`
