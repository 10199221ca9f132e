import type { AttentionHead, SiteTokens } from '../../protocol/api.ts'
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

/** The texts of queries or keys that are tokens. If there are more than tokens, the first ones are from a cache. Others have numbers. */
export function labelsOf(texts: readonly string[], count: number, areTokens: boolean): string[] {
  if (!areTokens || texts.length === 0 || count < texts.length)
    return Array.from({ length: count }, (_, i) => String(i))
  const past = count - texts.length
  return [...Array.from({ length: past }, (_, i) => `past ${i}`), ...texts]
}

/** What the views of one head show. */
export interface HeadView {
  readonly value: AttentionHead
  readonly queries: readonly string[]
  readonly keys: readonly string[]
  readonly areTokens: SiteTokens
  /** The query under the pointer, or the chosen one. */
  readonly query: number
  /** The weights of that query. */
  readonly weights: readonly number[]
  readonly onHover: (query: number | undefined) => void
  readonly onQuery: (query: number) => void
}
