import test from 'ava'
import fc from 'fast-check'
import { type Fed, type FusedCase, int32, modelOf, off, random, run, writtenOut } from './fused.ts'
import { few, law, seed } from './law.ts'

const attentionDims = {
  rows: few(1, 3),
  heads: few(1, 3),
  size: fc.constantFrom(4, 8),
  tokens: few(1, 5),
  scale: fc.constantFrom(0, 0.2),
  isCausal: fc.boolean(),
  seed,
}

/** A mask of `[rows, keys]` in which each row has a key. */
function keyMask(rows: number, keys: number, seed: number): Fed {
  const bits = random([rows, keys], seed).data as Float32Array
  return int32(
    [rows, keys],
    Array.from(bits, (value, i) => (value > -0.3 || i % keys === 0 ? 1 : 0)),
  )
}

law(
  'MultiHeadAttention',
  fc.record({
    ...attentionDims,
    keys: few(1, 5),
    form: fc.constantFrom('three', 'three', 'heads'),
    hasBias: fc.boolean(),
    mask: fc.constantFrom('none', 'keys', 'lengths'),
    hasScoreBias: fc.boolean(),
    past: fc.constantFrom(0, 0, 2),
    hasPresent: fc.boolean(),
  }),
  s => {
    const { rows, heads, size, tokens } = s
    const width = heads * size
    const isSelf = s.isCausal || s.past > 0
    const keys = isSelf ? tokens : s.keys
    const past = s.form === 'three' ? s.past : 0
    const total = keys + past
    const x = (dims: readonly number[], i: number): Fed => random(dims, s.seed + i)
    const state = (count: number, i: number): Fed => x([rows, count, width], i)
    const [key, value] =
      s.form === 'three'
        ? [state(keys, 2), state(keys, 3)]
        : [x([rows, heads, keys, size], 2), x([rows, heads, keys, size], 3)]
    const mask = past > 0 ? 'none' : s.mask
    return {
      opType: 'MultiHeadAttention',
      attributes: {
        num_heads: { int: heads },
        unidirectional: { int: s.isCausal && s.form === 'three' ? 1 : 0 },
        ...(s.scale > 0 ? { scale: { float: s.scale } } : {}),
      },
      inputs: [
        state(tokens, 1),
        key,
        value,
        s.hasBias && s.form === 'three' ? random([3 * width], s.seed + 4, true) : undefined,
        mask === 'keys'
          ? keyMask(rows, total, s.seed + 5)
          : mask === 'lengths'
            ? int32([rows], new Array(rows).fill(Math.max(1, total - 1)))
            : undefined,
        s.hasScoreBias ? x([1, heads, tokens, total], 6) : undefined,
        past > 0 ? x([rows, heads, past, size], 7) : undefined,
        past > 0 ? x([rows, heads, past, size], 8) : undefined,
      ],
      outputs: past > 0 || (s.hasPresent && s.form === 'three') ? ['y', 'present_key', 'present_value'] : ['y'],
    }
  },
  120,
)

test('MultiHeadAttention with packed parts, which the CPU does not run, is what it is with the parts given one by one', async t => {
  const [rows, tokens, heads, size] = [2, 3, 2, 4]
  const parts = [1, 2, 3].map(i => random([rows, tokens, heads * size], i))
  const attributes = { num_heads: { int: heads } }
  const apart: FusedCase = { opType: 'MultiHeadAttention', attributes, inputs: parts, outputs: ['y'] }
  const { y: expected } = await run(modelOf(apart), apart)
  const packed = (given: readonly Fed[]): Fed => {
    const data = new Float32Array(given.length * rows * tokens * heads * size)
    for (let at = 0; at < rows * tokens * heads; at++)
      given.forEach((part, i) => {
        const row = (part.data as Float32Array).subarray(at * size, (at + 1) * size)
        data.set(row, (at * given.length + i) * size)
      })
    return { dims: [rows, tokens, heads, given.length, size], data }
  }
  for (const inputs of [[packed(parts)], [parts[0], packed(parts.slice(1))]]) {
    const fused: FusedCase = { opType: 'MultiHeadAttention', attributes, inputs, outputs: ['y'] }
    const { y } = await run(writtenOut(modelOf(fused)), fused)
    t.true(off(y, expected) < 1e-5)
  }
})

law(
  'Attention of com.microsoft',
  fc.record({
    ...attentionDims,
    mask: fc.constantFrom('none', 'keys', 'queries', 'lengths'),
    hasBias: fc.boolean(),
    past: fc.constantFrom(0, 0, 3),
  }),
  s => {
    const { rows, heads, size, tokens } = s
    const width = heads * size
    const total = tokens + s.past
    const masks: Record<string, Fed | undefined> = {
      none: undefined,
      keys: keyMask(rows, total, s.seed + 5),
      // A query that sees no key at all has no defined pattern.
      queries: { ...keyMask(rows * tokens, total, s.seed + 5), dims: [rows, tokens, total] },
      lengths: int32([rows], new Array(rows).fill(total)),
    }
    return {
      opType: 'Attention',
      attributes: {
        num_heads: { int: heads },
        unidirectional: { int: s.isCausal ? 1 : 0 },
        ...(s.scale > 0 ? { scale: { float: s.scale } } : {}),
      },
      inputs: [
        random([rows, tokens, 6], s.seed + 1),
        random([6, 3 * width], s.seed + 2, true),
        s.hasBias ? random([3 * width], s.seed + 3, true) : random([3 * width], 0, true),
        masks[s.mask],
        s.past > 0 ? random([2, rows, heads, s.past, size], s.seed + 4) : undefined,
      ],
      outputs: s.past > 0 ? ['y', 'present'] : ['y'],
    }
  },
)

law(
  'Attention of opset 23',
  fc.record({
    ...attentionDims,
    group: few(1, 2),
    isFlat: fc.boolean(),
    hasBias: fc.boolean(),
    past: fc.constantFrom(0, 0, 3),
    softcap: fc.constantFrom(0, 0, 2),
  }),
  s => {
    const { rows, heads, size, tokens, group } = s
    const total = tokens + s.past
    const state = (count: number, i: number): Fed =>
      random(s.isFlat ? [rows, tokens, count * size] : [rows, count, tokens, size], s.seed + i)
    const cache = (i: number): Fed | undefined =>
      s.past > 0 ? random([rows, heads, s.past, size], s.seed + i) : undefined
    return {
      opType: 'Attention',
      domain: '',
      opset: 23,
      attributes: {
        ...(s.isFlat ? { q_num_heads: { int: heads * group }, kv_num_heads: { int: heads } } : {}),
        is_causal: { int: s.isCausal ? 1 : 0 },
        softcap: { float: s.softcap },
        ...(s.scale > 0 ? { scale: { float: s.scale } } : {}),
      },
      inputs: [
        state(heads * group, 1),
        state(heads, 2),
        state(heads, 3),
        s.hasBias ? random([1, 1, tokens, total], s.seed + 4) : undefined,
        cache(5),
        cache(6),
      ],
      outputs: s.past > 0 ? ['y', 'present_key', 'present_value'] : ['y'],
    }
  },
)

for (const opType of ['BiasGelu', 'FastGelu'])
  law(opType, fc.record({ rows: few(1, 3), width: few(1, 9), seed }), ({ rows, width, seed }) => ({
    opType,
    attributes: {},
    inputs: [random([rows, 2, width], seed), random([width], seed + 1, true)],
    outputs: ['y'],
  }))

for (const opType of ['SkipLayerNormalization', 'SkipSimplifiedLayerNormalization'])
  law(
    opType,
    fc.record({
      rows: few(1, 3),
      width: few(2, 9),
      hasBias: fc.boolean(),
      hasBeta: fc.boolean(),
      hasSum: fc.boolean(),
      opset: fc.constantFrom(14, 17, 21),
      seed,
    }),
    ({ rows, width, hasBias, hasBeta, hasSum, opset, seed }) => {
      const weight = (i: number): Fed => random([width], seed + i, true)
      const bias = hasBias ? weight(3) : undefined
      const beta = opType === 'SkipLayerNormalization' ? [hasBeta ? weight(4) : undefined] : []
      return {
        opType,
        opset,
        attributes: { epsilon: { float: 1e-5 } },
        inputs: [random([rows, 2, width], seed), random([rows, 2, width], seed + 1), weight(2), ...beta, bias],
        outputs: hasSum ? ['y', '', '', 'sum'] : ['y'],
      }
    },
  )
