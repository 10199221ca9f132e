import fc from 'fast-check'
import { type Fed, int32, int64, random } from './fused.ts'
import { few, law, seed } from './law.ts'

const numbers = (count: number, below: number, seed: number): number[] =>
  Array.from({ length: count }, (_, i) => (i * 7 + seed) % below)

law(
  'EmbedLayerNormalization',
  fc.record({
    rows: few(1, 3),
    tokens: few(1, 5),
    width: few(2, 8),
    hasSegments: fc.boolean(),
    hasMask: fc.boolean(),
    hasPositions: fc.boolean(),
    results: few(2, 3),
    opset: fc.constantFrom(12, 14, 17, 21),
    seed,
  }),
  s => {
    const ids = (below: number, i: number): Fed =>
      int32([s.rows, s.tokens], numbers(s.rows * s.tokens, below, s.seed + i))
    const table = (count: number, i: number): Fed => random([count, s.width], s.seed + i, true)
    const bits = numbers(s.rows * s.tokens, 5, s.seed).map(n => (n > 1 ? 1 : 0))
    return {
      opType: 'EmbedLayerNormalization',
      opset: s.opset,
      attributes: { epsilon: { float: 1e-5 }, mask_index_type: { int: 1 } },
      inputs: [
        ids(9, 0),
        s.hasSegments ? ids(2, 1) : undefined,
        table(9, 2),
        table(6, 3),
        s.hasSegments ? table(2, 4) : undefined,
        random([s.width], s.seed + 5, true),
        random([s.width], s.seed + 6, true),
        s.hasMask ? int32([s.rows, s.tokens], bits) : undefined,
        s.hasPositions ? ids(6, 7) : undefined,
      ],
      outputs: ['y', 'lengths', 'sum'].slice(0, s.results),
    }
  },
)

const rotary = {
  rows: few(1, 2),
  tokens: few(1, 4),
  heads: few(1, 3),
  isFlat: fc.boolean(),
  isInterleaved: fc.boolean(),
  isPartial: fc.boolean(),
  seed,
}

const attributesOf = (s: { heads: number; isFlat: boolean; isInterleaved: boolean; isPartial: boolean }) => ({
  interleaved: { int: s.isInterleaved ? 1 : 0 },
  ...(s.isFlat || s.isPartial ? { num_heads: { int: s.heads } } : {}),
  ...(s.isPartial ? { rotary_embedding_dim: { int: 4 } } : {}),
})

const stateOf = (s: { rows: number; tokens: number; heads: number; isFlat: boolean; seed: number }): Fed =>
  random(s.isFlat ? [s.rows, s.tokens, s.heads * 8] : [s.rows, s.heads, s.tokens, 8], s.seed)

law('RotaryEmbedding of com.microsoft', fc.record({ ...rotary, isOne: fc.boolean() }), s => {
  const half = s.isPartial ? 2 : 4
  const positions = s.isOne
    ? int64([1], [s.seed % 3])
    : int64([s.rows, s.tokens], numbers(s.rows * s.tokens, 8, s.seed))
  return {
    opType: 'RotaryEmbedding',
    attributes: attributesOf(s),
    inputs: [stateOf(s), positions, random([8, half], s.seed + 1, true), random([8, half], s.seed + 2, true)],
    outputs: ['y'],
  }
})

law('RotaryEmbedding of opset 23', fc.record({ ...rotary, hasPositions: fc.boolean() }), s => {
  const half = s.isPartial ? 2 : 4
  const table = (i: number): Fed =>
    s.hasPositions ? random([8, half], s.seed + i, true) : random([s.rows, s.tokens, half], s.seed + i)
  return {
    opType: 'RotaryEmbedding',
    domain: '',
    opset: 23,
    attributes: attributesOf(s),
    inputs: [
      stateOf(s),
      table(1),
      table(2),
      s.hasPositions ? int64([s.rows, s.tokens], numbers(s.rows * s.tokens, 8, s.seed)) : undefined,
    ],
    outputs: ['y'],
  }
})
