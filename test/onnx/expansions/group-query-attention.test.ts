import test from 'ava'
import fc from 'fast-check'
import { Tensor } from 'onnxruntime-node'
import { type Fed, type FusedCase, int32, modelOf, off, random, run, writtenOut } from './fused.ts'
import { law } from './law.ts'

/** The attributes and dims of one GroupQueryAttention. */
const shapes = fc.record({
  rows: fc.integer({ min: 1, max: 3 }),
  kvHeads: fc.integer({ min: 1, max: 2 }),
  group: fc.integer({ min: 1, max: 3 }),
  half: fc.constantFrom(8, 16),
  past: fc.constantFrom(0, 0, 3, 6),
  tokens: fc.integer({ min: 1, max: 5 }),
  isPacked: fc.boolean(),
  isRotary: fc.boolean(),
  isInterleaved: fc.boolean(),
  isPartial: fc.boolean(),
  window: fc.constantFrom(-1, -1, 2, 4),
  softcap: fc.constantFrom(0, 0, 1.5),
  scale: fc.constantFrom(0, 0.3),
  isSmooth: fc.boolean(),
  hasBias: fc.boolean(),
  hasSink: fc.boolean(),
  seed: fc.integer({ min: 0, max: 9999 }),
})

type Shape = typeof shapes extends fc.Arbitrary<infer S> ? S : never

function caseOf(shape: Shape): FusedCase {
  // onnxruntime's kernel only takes several new tokens after a cache if there is one row.
  const s = shape.past > 0 && shape.tokens > 1 ? { ...shape, rows: 1 } : shape
  const heads = s.kvHeads * s.group
  const size = 2 * s.half
  const total = s.past + s.tokens
  const rotated = s.isPartial && s.half === 16 ? 8 : s.half
  const states = (count: number, seed: number) => random([s.rows, s.tokens, count * size], s.seed + seed)
  const tables = (seed: number) => (s.isRotary ? random([16, rotated], s.seed + seed, true) : undefined)
  const cache = (seed: number) => random([s.rows, s.kvHeads, s.past, size], s.seed + seed)
  return {
    opType: 'GroupQueryAttention',
    attributes: {
      num_heads: { int: heads },
      kv_num_heads: { int: s.kvHeads },
      do_rotary: { int: s.isRotary ? 1 : 0 },
      rotary_interleaved: { int: s.isInterleaved ? 1 : 0 },
      local_window_size: { int: s.window },
      softcap: { float: s.softcap },
      ...(s.scale > 0 ? { scale: { float: s.scale } } : {}),
      ...(s.isSmooth ? { smooth_softmax: { int: 1 } } : {}),
    },
    inputs: [
      s.isPacked ? states(heads + 2 * s.kvHeads, 1) : states(heads, 1),
      s.isPacked ? undefined : states(s.kvHeads, 2),
      s.isPacked ? undefined : states(s.kvHeads, 3),
      cache(4),
      cache(5),
      int32([s.rows], new Array<number>(s.rows).fill(total - 1)),
      int32([], [total]),
      tables(6),
      tables(7),
      undefined,
      s.hasBias ? random([1, 1, s.tokens, total], s.seed + 8) : undefined,
      s.hasSink && !s.isSmooth ? random([heads], s.seed + 9) : undefined,
    ],
    outputs: ['y', 'present_key', 'present_value'],
  }
}

law('GroupQueryAttention', shapes, caseOf, 150)

/** Three rows of these lengths, of which the first `past` tokens are in the cache. */
const ragged = { lengths: [5, 2, 4], heads: 4, kvHeads: 2, size: 16 }

function raggedCase(cache: Fed[], lengths: readonly number[], total: number, states: Fed[]): FusedCase {
  return {
    opType: 'GroupQueryAttention',
    attributes: { num_heads: { int: ragged.heads }, kv_num_heads: { int: ragged.kvHeads }, do_rotary: { int: 1 } },
    inputs: [
      ...states,
      ...cache,
      int32(
        [lengths.length],
        lengths.map(length => length - 1),
      ),
      int32([], [total]),
      random([16, ragged.size / 2], 6, true),
      random([16, ragged.size / 2], 7, true),
    ],
    outputs: ['y', 'present_key', 'present_value'],
  }
}

/** Queries, keys and values of one row. */
const statesOf = (tokens: number, seed: number): Fed[] =>
  [ragged.heads, ragged.kvHeads, ragged.kvHeads].map((count, i) =>
    random([1, tokens, count * ragged.size], seed * 10 + i),
  )

const noCache = (rows: number): Fed[] =>
  [0, 1].map(() => ({ dims: [rows, ragged.kvHeads, 0, ragged.size], data: new Float32Array(0) }))

/** Rows of unequal lengths as one batch, padded with other numbers on one side. */
function padded(rows: readonly Fed[], side: 'left' | 'right'): Fed {
  const most = Math.max(...rows.map(({ dims }) => dims[1]))
  const width = rows[0].dims[2]
  const data = random([rows.length, most, width], 77).data as Float32Array
  rows.forEach(({ dims, data: row }, i) => {
    data.set(row as Float32Array, (i * most + (side === 'left' ? most - dims[1] : 0)) * width)
  })
  return { dims: [rows.length, most, width], data }
}

for (const side of ['right', 'left'] as const) {
  test(`rows padded on the ${side}: each is as it is alone, in the prompt and in the step after it`, async t => {
    const { lengths } = ragged
    const most = Math.max(...lengths)
    const prompts = lengths.map((length, row) => statesOf(length, row))
    const steps = lengths.map((_, row) => statesOf(1, 50 + row))
    const together = (rows: readonly Fed[][], side: 'left' | 'right'): Fed[] =>
      [0, 1, 2].map(i =>
        padded(
          rows.map(row => row[i]),
          side,
        ),
      )
    const rows = side === 'left' ? 'end' : 'start'
    const prompt = raggedCase(noCache(3), lengths, most, together(prompts, side))
    const first = await run(writtenOut(modelOf(prompt), rows), prompt)
    const cache = ['present_key', 'present_value'].map(name => asFed(first[name]))
    const longer = lengths.map(length => length + 1)
    const step = raggedCase(cache, longer, most + 1, together(steps, side))
    const second = await run(writtenOut(modelOf(step), rows), step)
    for (const [row, length] of lengths.entries()) {
      const alone = raggedCase(noCache(1), [length], length, prompts[row])
      const expected = await run(modelOf(alone), alone)
      const start = side === 'left' ? most - length : 0
      t.true(off(part(first.y, row, start, length), expected.y) < 1e-5, `prompt ${row}`)
      const next = raggedCase(
        ['present_key', 'present_value'].map(name => asFed(expected[name])),
        [length + 1],
        length + 1,
        steps[row],
      )
      t.true(off(part(second.y, row, 0, 1), (await run(modelOf(next), next)).y) < 1e-5, `step ${row}`)
    }
  })
}

const asFed = ({ dims, data }: Tensor): Fed => ({ dims, data: data as Float32Array })

/** Some tokens of one row of `[rows, tokens, width]`. */
function part({ dims, data }: Tensor, row: number, start: number, count: number): Tensor {
  const [, tokens, width] = dims
  const from = (row * tokens + start) * width
  return new Tensor('float32', (data as Float32Array).slice(from, from + count * width), [1, count, width])
}
