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

/** Facts about the graph around a fused node that only some rules need. */
export interface Surroundings {
  /** Whether the node's second input is computed after its first. */
  readonly isLaterSecond: boolean
  readonly rows: Alignment
}

/** Writes a fused node out in plain nodes. A rule is pure: it gives the same names for the same node. */
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
  // onnxruntime registers it in the default domain, which has had RMSNormalization only since opset 23.
  SimplifiedLayerNormalization: rootMeanSquare,
}

/** The rule that writes an operator out in plain nodes; undefined for an operator without a rule. */
export function ruleFor(domain: string, opType: string) {
  if (domain === 'com.microsoft') return MICROSOFT[opType]
  return domain === '' || domain === 'ai.onnx' ? STANDARD[opType] : undefined
}
