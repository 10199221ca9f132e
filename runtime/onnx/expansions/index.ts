import { biasGelu } from './bias-gelu.ts'
import { embedLayerNormalization } from './embed-layer-normalization.ts'
import type { Alignment, Expansion, FusedNode, Refusal } from './expansion.ts'
import { experts, quantisedExperts } from './experts.ts'
import { fusedConv, fusedGemm } from './fused-activation.ts'
import { fusedMatMul } from './fused-product.ts'
import { groupQueryAttention } from './group-query-attention.ts'
import { multiHeadAttention } from './multi-head-attention.ts'
import { plainLayerNormalization, rootMeanSquare } from './norms.ts'
import { packedAttention } from './packed-attention.ts'
import { quickGelu } from './quick-gelu.ts'
import { microsoftRotary, standardRotary } from './rotary-embedding.ts'
import { skipLayerNormalization } from './skip-layer-normalization.ts'
import { standardAttention } from './standard-attention.ts'

/** What a rule may ask of the graph beside the node. */
export interface Surroundings {
  /** Whether the second input is made after the first. */
  readonly isLaterSecond: boolean
  readonly rows: Alignment
}

/** Writes a fused node out in plain operators. Pure: the same node gives the same names. */
type Rule = (node: FusedNode & Surroundings) => Expansion | Refusal

const MICROSOFT: Readonly<Record<string, Rule>> = {
  Attention: packedAttention,
  BiasGelu: biasGelu,
  EmbedLayerNormalization: embedLayerNormalization,
  FastGelu: biasGelu,
  FusedConv: fusedConv,
  FusedGemm: fusedGemm,
  FusedMatMul: fusedMatMul,
  GroupQueryAttention: node => groupQueryAttention(node, node.rows),
  MoE: experts,
  MultiHeadAttention: multiHeadAttention,
  QMoE: quantisedExperts,
  QuickGelu: quickGelu,
  RotaryEmbedding: microsoftRotary,
  SkipLayerNormalization: skipLayerNormalization,
  SkipSimplifiedLayerNormalization: skipLayerNormalization,
}

const STANDARD: typeof MICROSOFT = {
  Attention: standardAttention,
  LayerNormalization: plainLayerNormalization,
  RMSNormalization: rootMeanSquare,
  RotaryEmbedding: standardRotary,
  // Registered by onnxruntime in the default domain, since before opset 23 had RMSNormalization.
  SimplifiedLayerNormalization: rootMeanSquare,
}

/** How an operator that hides values is written out; undefined for one that hides none, or has no rule. */
export function ruleFor(domain: string, opType: string) {
  if (domain === 'com.microsoft') return MICROSOFT[opType]
  return domain === '' || domain === 'ai.onnx' ? STANDARD[opType] : undefined
}
