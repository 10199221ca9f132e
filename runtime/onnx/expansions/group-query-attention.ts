import { attention, joinHeads, repeatHeads } from './attention-core.ts'
import { Attributes } from './attributes.ts'
import type { Alignment, Expansion, FusedNode, Refusal } from './expansion.ts'
import { PlainNodes } from './plain-nodes.ts'
import { type Rotary, rotate } from './rotary.ts'

/** A number that float16 can hold, far below any score. */
const MASKED = -65504

/**
 * com.microsoft GroupQueryAttention (microsoft/onnxruntime, docs/ContribOperators.md), as the CPU's kernel computes it. It takes no mask, but
 * the length of each row less one, `seqlens_k`: row b sees keys 0 … seqlens_k[b]. With `alignment` 'end', a row sees the last keys instead, as
 * in a batch that is padded on the left.
 */
export function groupQueryAttention(node: FusedNode, alignment: Alignment = 'start'): Expansion | Refusal {
  const { proto } = node
  const attributes = new Attributes(proto)
  const heads = attributes.int('num_heads', 0)
  const kvHeads = attributes.int('kv_num_heads', 0)
  const input = (i: number): string => proto.input[i] ?? ''
  if (proto.output[3]) return { refused: 'output_qk as a result' }
  if (input(12) || input(13)) return { refused: 'a quantised cache' }
  const isRotary = attributes.int('do_rotary', 0) === 1
  const tables = isRotary ? node.dimsOf(input(7)) : undefined
  const half = tables?.[1]
  if (isRotary && typeof half !== 'number') return { refused: 'rotary tables whose dims are not known' }

  const plain = new PlainNodes(node)
  const [query, key, value] = headsOf(plain, proto.input, heads, kvHeads)
  const past = input(3) ? plain.sizeOf(input(3), 2, 'past_size') : undefined
  const lengths = plain.add('Add', [plain.castTo(input(5), 'INT64'), plain.ints([1])], {}, 'row_lengths')
  const lengthOf = plain.reshape(lengths, [-1, 1], 'lengths')
  const size = plain.sizeOf(query, 1, 'query_size')
  // How many keys of each row come before its new ones, [batch, 1]. The number is negative if the new ones begin with padding.
  const before = plain.add('Sub', [lengthOf, size], {}, 'before')
  const known = plain.add('Max', [before, plain.ints([0])], {}, 'known')
  const steps = plain.unsqueeze(plain.range(size, 'steps'), [0])
  const first = alignment === 'end' ? before : known
  const positions = input(9) || plain.add('Max', [plain.add('Add', [first, steps]), plain.ints([0])], {}, 'positions')
  const rotary = rotaryOf(input(7), input(8), positions, half as number, attributes, node, heads)
  const turn = (x: string, role: string): string => (isRotary ? rotate(plain, x, rotary, role) : x)
  const queries = plain.transpose(turn(query, 'query_rotated'), [0, 2, 1, 3], 'query')
  const newKey = turn(key, 'key_rotated')

  const rows: Rows = { past, known, total: plain.castTo(input(6), 'INT64', 'total') }
  const present = (old: string, now: string, as: string, role: string): string =>
    alignment === 'end' || !past ? appended(plain, old, now, as, role) : placed(plain, rows, old, now, as, role)
  const keys = present(input(3), newKey, proto.output[1], 'present_key')
  const values = present(input(4), value, proto.output[2], 'present_value')
  const sees = alignment === 'end' ? endMask(plain, keys, lengthOf, steps, past) : startMask(plain, keys, known, steps)
  const window = attributes.int('local_window_size', -1)
  const mask = window > 0 ? plain.add('And', [sees.mask, near(plain, sees, window)], {}, 'mask_window') : sees.mask
  const scale = attributes.float('scale', 0)
  const isSmooth = attributes.int('smooth_softmax', 0) === 1
  const sink = input(11) ? plain.reshape(input(11), [1, -1, 1, 1]) : isSmooth ? plain.number(0) : undefined
  const mix = attention(plain, {
    query: queries,
    key: repeatHeads(plain, keys, heads, kvHeads, 'key'),
    value: repeatHeads(plain, values, heads, kvHeads, 'value'),
    scale: scale === 0 ? undefined : scale,
    softcap: attributes.float('softcap', 0),
    bias: input(10) || undefined,
    mask: plain.unsqueeze(mask, [1], 'mask'),
    masked: MASKED,
    sink,
  })
  joinHeads(plain, mix, proto.output[0])
  return { nodes: plain.nodes, initializers: plain.initializers }
}

/** Queries, keys and values as `[batch, sequence, heads, head size]`, from three inputs or from one that holds them side by side. */
function headsOf(plain: PlainNodes, inputs: readonly string[], heads: number, kvHeads: number): string[] {
  const [query, key, value] = inputs
  if (key) {
    const parts = [query, key, value] as const
    return parts.map((part, i) => plain.reshape(part, [0, 0, i === 0 ? heads : kvHeads, -1], ROLES[i]))
  }
  const packed = plain.reshape(query, [0, 0, heads + 2 * kvHeads, -1], 'packed')
  return plain.split(packed, 2, [heads, kvHeads, kvHeads], ROLES)
}

const ROLES = ['query_heads', 'key_heads', 'value_heads'] as const

function rotaryOf(
  cos: string,
  sin: string,
  positions: string,
  half: number,
  attributes: Attributes,
  node: FusedNode,
  heads: number,
): Rotary {
  const width = node.dimsOf(node.proto.input[3] ?? '')?.[3]
  const packed = node.dimsOf(node.proto.input[0])?.[2]
  const size =
    typeof width === 'number' ? width : typeof packed === 'number' && node.proto.input[1] ? packed / heads : 0
  return {
    cos,
    sin,
    positions,
    half,
    isInterleaved: attributes.int('rotary_interleaved', 0) === 1,
    isPartial: size !== 2 * half,
  }
}

interface Rows {
  /** The number of keys in the cache that is an input. */
  readonly past: string | undefined
  /** How many of these keys belong to each row, `[batch, 1]`. */
  readonly known: string
  /** The smallest number of keys in the cache that is an output. */
  readonly total: string
}

/** Puts the new keys after all keys of the cache, `[batch, kv heads, keys, head size]`. */
function appended(plain: PlainNodes, old: string, now: string, as: string, role: string): string {
  const heads = plain.transpose(now, [0, 2, 1, 3], old ? undefined : role, old ? undefined : as)
  return old ? plain.add('Concat', [old, heads], { axis: 2 }, role, as) : heads
}

/** Puts each row's new keys after the keys that the row has, which may be fewer than the cache holds. */
function placed(
  plain: PlainNodes,
  { past, known, total }: Rows,
  old: string,
  now: string,
  as: string,
  role: string,
): string {
  const all = plain.add('Concat', [plain.transpose(old, [0, 2, 1, 3]), now], { axis: 1 })
  const slots = plain.unsqueeze(plain.range(plain.reshape(plain.add('Max', [total, past!]), [])), [0])
  const moved = plain.add('Add', [plain.add('Sub', [slots, known]), past!])
  const last = plain.add('Sub', [plain.sizeOf(all, 1), plain.ints(1)])
  const from = plain.add('Where', [plain.add('Less', [slots, known]), slots, plain.add('Min', [moved, last])])
  const gathered = plain.add('GatherND', [all, plain.unsqueeze(from, [2])], { batch_dims: 1 })
  return plain.transpose(gathered, [0, 2, 1, 3], role, as)
}

interface Sight {
  /** `[batch, query, key]`, true if the row has the key, and the key is not later than the query. */
  readonly mask: string
  /** The positions of the keys and of the queries. */
  readonly keyAt: string
  readonly queryAt: string
}

function startMask(plain: PlainNodes, keys: string, known: string, steps: string): Sight {
  const keyAt = plain.unsqueeze(plain.range(plain.sizeOf(keys, 2, 'key_size'), 'slots'), [0, 1])
  const queryAt = plain.unsqueeze(plain.add('Add', [known, steps]), [2])
  return { keyAt, queryAt, mask: notLater(plain, keyAt, queryAt) }
}

function endMask(plain: PlainNodes, keys: string, lengths: string, steps: string, past: string | undefined): Sight {
  const size = plain.sizeOf(keys, 2, 'key_size')
  const keyAt = plain.unsqueeze(plain.range(size, 'slots'), [0, 1])
  const queryAt = plain.unsqueeze(past ? plain.add('Add', [steps, past]) : steps, [2])
  const padding = plain.unsqueeze(plain.add('Sub', [size, lengths]), [2], 'padding')
  const isThere = plain.add('Not', [plain.add('Less', [keyAt, padding])])
  return { keyAt, queryAt, mask: plain.add('And', [isThere, notLater(plain, keyAt, queryAt)], {}, 'mask_rows') }
}

function notLater(plain: PlainNodes, keyAt: string, queryAt: string): string {
  return plain.add('Not', [plain.add('Greater', [keyAt, queryAt])], {}, 'mask_causal')
}

/** True for the last `window` keys up to the query's own position: a query sees no earlier ones. */
function near(plain: PlainNodes, { keyAt, queryAt }: Sight, window: number): string {
  return plain.add('Greater', [keyAt, plain.add('Sub', [queryAt, plain.ints(window)])], {}, 'window')
}
