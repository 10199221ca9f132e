import type { PlainNodes } from './plain-nodes.ts'

/** The operands and options of an attention. Queries, keys and values are `[batch, heads, …, head size]`. */
export interface AttentionCore {
  readonly query: string
  readonly key: string
  readonly value: string
  /** The factor of the scores; undefined for one over the root of the head size. */
  readonly scale: number | undefined
  /** The scores' cap; 0 for none. */
  readonly softcap: number
  /** Added to the scores; broadcast to `[batch, heads, query, key]`. */
  readonly bias?: string | undefined
  /** Bool, true if the query sees the key; broadcast to `[batch, heads, query, key]`. */
  readonly mask?: string | undefined
  /** The number that replaces the score of a masked key. */
  readonly masked?: number
  /** Added to the scores of keys that are not seen. */
  readonly maskBias?: string | undefined
  /** A further score, of no key, `[1, heads, 1, 1]`. Its share of the pattern is left out of the mix. */
  readonly sink?: string | undefined
}

/**
 * Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762): `softmax(scale · q kᵀ + bias) v`. Its only Softmax computes the
 * pattern, `[batch, heads, query, key]`. The result is each head's mix, `[batch, heads, query, head size]`.
 */
export function attention(plain: PlainNodes, core: AttentionCore): string {
  const { query, key, value } = core
  const products = plain.add('MatMul', [query, plain.transpose(key, [0, 1, 3, 2], 'key_transposed')], {}, 'products')
  let scores = plain.add('Mul', [products, scaleOf(plain, core)], {}, 'scores')
  if (core.softcap > 0) {
    const cap = plain.number(core.softcap)
    scores = plain.add('Mul', [plain.add('Tanh', [plain.add('Div', [scores, cap])]), cap], {}, 'scores_capped')
  }
  if (core.bias) scores = plain.add('Add', [scores, core.bias], {}, 'scores_biased')
  if (core.maskBias) scores = plain.add('Add', [scores, core.maskBias], {}, 'scores_masked')
  if (core.mask) scores = plain.add('Where', [core.mask, scores, plain.number(core.masked ?? 0)], {}, 'scores_masked')
  if (!core.sink)
    return plain.add('MatMul', [plain.add('Softmax', [scores], { axis: -1 }, 'pattern'), value], {}, 'mix')
  const like = plain.slice(scores, -1, 0, 1)
  const sink = plain.add('Add', [plain.add('Mul', [like, plain.number(0)]), core.sink], {}, 'sink')
  const all = plain.add(
    'Softmax',
    [plain.add('Concat', [scores, sink], { axis: -1 })],
    { axis: -1 },
    'pattern_and_sink',
  )
  const pattern = plain.slice(all, -1, 0, -1, 1, 'pattern')
  return plain.add('MatMul', [pattern, value], {}, 'mix')
}

function scaleOf(plain: PlainNodes, { scale, query }: AttentionCore): string {
  if (scale !== undefined) return plain.number(scale)
  const size = plain.castTo(plain.sizeOf(query, 3, 'head_size'), 'FLOAT')
  return plain.toActivation(plain.add('Reciprocal', [plain.add('Sqrt', [size])]), true)
}

/** Shares each key/value head among the query heads of its group: `[batch, kv heads, …]` becomes `[batch, kv heads × group, …]`. */
export function repeatHeads(plain: PlainNodes, value: string, heads: number, kvHeads: number, role: string): string {
  if (heads === kvHeads) return value
  const places = Array.from({ length: heads }, (_, head) => Math.floor((head * kvHeads) / heads))
  return plain.add('Gather', [value, plain.ints(places)], { axis: 1 }, role)
}

/** New keys or values after those of the cache `past`, under the name `as`. Without a cache and a name, the new ones as they are. */
export function behindPast(plain: PlainNodes, past: string, now: string, as: string | undefined, role: string): string {
  if (past) return plain.add('Concat', [past, now], { axis: 2 }, role, as || undefined)
  return as ? plain.add('Identity', [now], {}, role, as) : now
}

/** Splits `[batch, tokens, width]` into heads: `[batch, heads, tokens, head size]`. */
export const toHeads = (plain: PlainNodes, x: string, heads: number, role?: string): string =>
  plain.transpose(plain.reshape(x, [0, 0, heads, -1]), [0, 2, 1, 3], role)

/** Puts the heads' mixes side by side again, `[batch, tokens, width]`, under the fused node's name for its result. */
export function joinHeads(plain: PlainNodes, mix: string, as: string): void {
  plain.reshape(plain.transpose(mix, [0, 2, 1, 3], 'mix_transposed'), [0, 0, -1], 'output', as)
}

/** Bool `[query, key]`: true if the key is not later than the query. The queries are the last tokens of the keys. */
export function causalMask(plain: PlainNodes, query: string, key: string, role?: string): string {
  const [tokens, size] = [plain.sizeOf(query, 2), plain.sizeOf(key, 2)]
  const queryAt = plain.unsqueeze(plain.add('Add', [plain.range(tokens), plain.add('Sub', [size, tokens])]), [1])
  return plain.add('Not', [plain.add('Greater', [plain.unsqueeze(plain.range(size), [0]), queryAt])], {}, role)
}
