import fc from 'fast-check'
import { bytes, type Fed, random } from './fused.ts'
import { few, law, seed } from './law.ts'

/** Random scales above 0. */
const scales = (dims: readonly number[], seed: number): Fed => {
  const { data } = random(dims, seed)
  return { dims, data: Float32Array.from(data as Float32Array, value => 0.02 + Math.abs(value) / 20), isWeight: true }
}

law(
  'QMoE',
  fc.record({
    tokens: few(1, 5),
    count: few(1, 4),
    best: few(1, 3),
    activation: fc.constantFrom('relu', 'gelu', 'silu', 'identity', 'swiglu'),
    isNormalised: fc.boolean(),
    hasBias: fc.boolean(),
    bits: fc.constantFrom(4, 8),
    block: fc.constantFrom(0, 16, 32),
    hasZero: fc.boolean(),
    seed,
  }),
  s => {
    const [width, inner] = [64, 32]
    const fused = s.activation === 'swiglu' ? 2 * inner : inner
    const scaleDims = (out: number, from: number): number[] =>
      s.block > 0 ? [s.count, out, from / s.block] : [s.count, out]
    const zeroDims = (out: number, from: number): number[] => [s.count, out, Math.ceil(((from / s.block) * s.bits) / 8)]
    const hasZero = s.hasZero && s.block > 0 && ((inner / s.block) * s.bits) % 8 === 0
    const bias = (dims: number[], i: number): Fed | undefined =>
      s.hasBias ? random(dims, s.seed + i, true) : undefined
    return {
      opType: 'QMoE',
      attributes: {
        k: { int: Math.min(s.best, s.count) },
        activation_type: { string: s.activation },
        normalize_routing_weights: { int: s.isNormalised ? 1 : 0 },
        expert_weight_bits: { int: s.bits },
        ...(s.block > 0 ? { block_size: { int: s.block } } : {}),
        ...(s.activation === 'swiglu'
          ? { swiglu_fusion: { int: 1 }, activation_alpha: { float: 1.702 }, activation_beta: { float: 1 } }
          : {}),
      },
      inputs: [
        random([s.tokens, width], s.seed),
        random([s.tokens, s.count], s.seed + 1),
        bytes([s.count, fused, (width * s.bits) / 8], s.seed + 2),
        scales(scaleDims(fused, width), s.seed + 3),
        bias([s.count, fused], 4),
        bytes([s.count, width, (inner * s.bits) / 8], s.seed + 5),
        scales(scaleDims(width, inner), s.seed + 6),
        bias([s.count, width], 7),
        undefined,
        undefined,
        undefined,
        hasZero ? bytes(zeroDims(fused, width), s.seed + 8) : undefined,
        hasZero ? bytes(zeroDims(width, inner), s.seed + 9) : undefined,
      ],
      outputs: ['y'],
    }
  },
  40,
)
