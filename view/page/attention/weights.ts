import type { AttentionHead } from '../../protocol/api.ts'
import { numberOf } from '../parts/numbers.ts'

/** The weight of each key for a query. For long texts, only the chosen query has exact weights. */
export function weightsOf(
  { map: { cells, factors }, keys, row, query: exact }: AttentionHead,
  query: number,
): number[] {
  if (query === exact) return row.map(numberOf)
  const shown = cells[Math.floor(query / factors[0])]
  return Array.from({ length: keys }, (_, key) => numberOf(shown[Math.floor(key / factors[1])]))
}

/** The texts of keys. If there are more keys than tokens, the first ones are from a cache. If the lengths do not fit, keys have numbers. */
export function keyLabels(texts: readonly string[], count: number): string[] {
  if (texts.length === 0 || count < texts.length) return Array.from({ length: count }, (_, i) => String(i))
  const past = count - texts.length
  return [...Array.from({ length: past }, (_, i) => `past ${i}`), ...texts]
}

/** What the views of one head show. */
export interface HeadView {
  readonly value: AttentionHead
  readonly queries: readonly string[]
  readonly keys: readonly string[]
  /** The query under the pointer, or the chosen one. */
  readonly query: number
  /** The weights of that query. */
  readonly weights: readonly number[]
  readonly onHover: (query: number | undefined) => void
  readonly onQuery: (query: number) => void
}
