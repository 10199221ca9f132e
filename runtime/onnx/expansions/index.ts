import type { Alignment, Expansion, FusedNode, Refusal } from './expansion.ts'
import { groupQueryAttention } from './group-query-attention.ts'
import { skipLayerNormalization } from './skip-layer-normalization.ts'

/** What a rule may ask of the graph beside the node. */
export interface Surroundings {
  /** Whether the second input is made after the first. */
  readonly isLaterSecond: boolean
  readonly rows: Alignment
}

const MICROSOFT: Readonly<Record<string, (node: FusedNode & Surroundings) => Expansion | Refusal>> = {
  GroupQueryAttention: node => groupQueryAttention(node, node.rows),
  SkipLayerNormalization: skipLayerNormalization,
  SkipSimplifiedLayerNormalization: skipLayerNormalization,
}

/** How an operator that hides values is written out; undefined for one that hides none, or has no rule. */
export function ruleFor(domain: string, opType: string) {
  return domain === 'com.microsoft' ? MICROSOFT[opType] : undefined
}
