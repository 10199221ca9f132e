import fc from 'fast-check'
import { type Fed, random } from './fused.ts'
import { few, law, seed } from './law.ts'

law(
  'FusedMatMul',
  fc.record({
    batch: fc.constantFrom([], [2], [2, 3]),
    m: few(1, 4),
    k: few(1, 4),
    n: few(1, 4),
    transA: fc.boolean(),
    transB: fc.boolean(),
    transBatchA: fc.boolean(),
    transBatchB: fc.boolean(),
    alpha: fc.constantFrom(1, 0.125),
    seed,
  }),
  s => {
    const hasBatch = s.batch.length > 0
    const side = (rows: number, columns: number, isTurned: boolean, isBatchTurned: boolean): number[] => {
      const [a, b] = isTurned ? [columns, rows] : [rows, columns]
      // The batch axes come after the first axis of the matrix.
      return isBatchTurned && hasBatch ? [a, ...s.batch, b] : [...s.batch, a, b]
    }
    const flag = (value: boolean) => ({ int: value ? 1 : 0 })
    return {
      opType: 'FusedMatMul',
      attributes: {
        transA: flag(s.transA),
        transB: flag(s.transB),
        transBatchA: flag(s.transBatchA && hasBatch),
        transBatchB: flag(s.transBatchB && hasBatch),
        alpha: { float: s.alpha },
      },
      inputs: [
        random(side(s.m, s.k, s.transA, s.transBatchA), s.seed),
        random(side(s.k, s.n, s.transB, s.transBatchB), s.seed + 1),
      ],
      outputs: ['y'],
    }
  },
)

const activations = {
  Relu: [],
  Sigmoid: [],
  Tanh: [],
  LeakyRelu: [0.2],
  HardSigmoid: [0.3, 0.4],
} as const

const activation = fc.constantFrom(...(Object.keys(activations) as (keyof typeof activations)[]))

law(
  'FusedGemm',
  fc.record({
    m: few(1, 4),
    k: few(1, 4),
    n: few(1, 4),
    transA: fc.boolean(),
    transB: fc.boolean(),
    hasBias: fc.boolean(),
    alpha: fc.constantFrom(1, 0.5),
    beta: fc.constantFrom(1, 2),
    activation,
    seed,
  }),
  s => {
    const [alpha, beta] = activations[s.activation]
    return {
      opType: 'FusedGemm',
      attributes: {
        transA: { int: s.transA ? 1 : 0 },
        transB: { int: s.transB ? 1 : 0 },
        alpha: { float: s.alpha },
        beta: { float: s.beta },
        activation: { string: s.activation },
        ...(alpha === undefined ? {} : { activation_alpha: { float: alpha } }),
        ...(beta === undefined ? {} : { activation_beta: { float: beta } }),
      },
      inputs: [
        random(s.transA ? [s.k, s.m] : [s.m, s.k], s.seed),
        random(s.transB ? [s.n, s.k] : [s.k, s.n], s.seed + 1),
        s.hasBias ? random([s.n], s.seed + 2, true) : undefined,
      ],
      outputs: ['y'],
    }
  },
)

law(
  'FusedConv',
  fc.record({
    channels: few(1, 3),
    features: few(1, 3),
    groups: few(1, 2),
    size: few(4, 6),
    kernel: few(1, 3),
    stride: few(1, 2),
    isSame: fc.boolean(),
    hasBias: fc.boolean(),
    hasSum: fc.boolean(),
    activation: fc.oneof(activation, fc.constant('Clip' as const)),
    seed,
  }),
  s => {
    const [channels, features] = [s.channels * s.groups, s.features * s.groups]
    const params = s.activation === 'Clip' ? [-0.5, 0.5] : [...activations[s.activation]]
    const out = s.isSame ? Math.ceil(s.size / s.stride) : Math.floor((s.size - s.kernel) / s.stride) + 1
    return {
      opType: 'FusedConv',
      attributes: {
        group: { int: s.groups },
        strides: { ints: [s.stride, s.stride] },
        ...(s.isSame ? { auto_pad: { string: 'SAME_UPPER' } } : {}),
        activation: { string: s.activation },
        ...(params.length > 0 ? { activation_params: { floats: params } } : {}),
      },
      inputs: [
        random([1, channels, s.size, s.size], s.seed),
        random([features, channels / s.groups, s.kernel, s.kernel], s.seed + 1, true),
        s.hasBias ? random([features], s.seed + 2, true) : undefined,
        s.hasSum ? random([1, features, out, out], s.seed + 3) : undefined,
      ],
      outputs: ['y'],
    }
  },
)

law(
  'QuickGelu',
  fc.record({ rows: few(1, 3), width: few(1, 9), alpha: fc.constantFrom(undefined, 1, 2), seed }),
  s => ({
    opType: 'QuickGelu',
    attributes: { ...(s.alpha === undefined ? {} : { alpha: { float: s.alpha } }) },
    inputs: [random([s.rows, s.width], s.seed)],
    outputs: ['y'],
  }),
)

const experts = {
  tokens: few(1, 5),
  count: few(1, 4),
  best: few(1, 3),
  activation: fc.constantFrom('relu', 'gelu', 'silu', 'identity', 'swiglu'),
  isNormalised: fc.boolean(),
  hasBias: fc.boolean(),
  isPacked: fc.boolean(),
  limit: fc.constantFrom(undefined, 0.4),
  seed,
}

const moeAttributes = (s: {
  best: number
  count: number
  activation: string
  isNormalised: boolean
  limit: number | undefined
}) => ({
  k: { int: Math.min(s.best, s.count) },
  activation_type: { string: s.activation },
  normalize_routing_weights: { int: s.isNormalised ? 1 : 0 },
  ...(s.activation === 'swiglu'
    ? { swiglu_fusion: { int: 1 }, activation_alpha: { float: 1.702 }, activation_beta: { float: 1 } }
    : {}),
  ...(s.activation === 'swiglu' && s.limit !== undefined ? { swiglu_limit: { float: s.limit } } : {}),
})

law('MoE', fc.record({ ...experts, width: few(1, 6), inner: few(1, 6) }), s => {
  const fused = s.activation === 'swiglu' ? 2 * s.inner : s.inner
  const bias = (dims: number[], i: number): Fed | undefined => (s.hasBias ? random(dims, s.seed + i, true) : undefined)
  return {
    opType: 'MoE',
    attributes: moeAttributes(s),
    inputs: [
      random(s.isPacked ? [s.tokens, s.width] : [1, s.tokens, s.width], s.seed),
      random([s.tokens, s.count], s.seed + 1),
      random([s.count, fused, s.width], s.seed + 2, true),
      bias([s.count, fused], 3),
      random([s.count, s.width, s.inner], s.seed + 4, true),
      bias([s.count, s.width], 5),
    ],
    outputs: ['y'],
  }
})
