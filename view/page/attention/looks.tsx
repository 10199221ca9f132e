import { weightBackground } from '../parts/colours.ts'
import { percent } from '../parts/numbers.ts'
import { ShareTable } from '../parts/share-table.tsx'
import type { HeadView } from './weights.ts'

/** The most keys that are listed. */
const MAX_LISTED = 8
/** The most positions without texts, such as frames, that stand in a row. */
const MAX_NUMBERED = 256

/** The tokens, coloured by the weight that each of them has for the query under the pointer. */
export function Looks({ queries, keys, areTokens, query, weights, onHover, onQuery }: HeadView) {
  const past = keys.length - queries.length
  // In self-attention the same tokens are queries and keys; in cross-attention each side has its own.
  const isSelf =
    areTokens.queries === areTokens.keys && past >= 0 && queries.every((text, i) => keys[past + i] === text)
  const largest = Math.max(...weights, 1e-9)
  const ranked = weights.map((weight, key) => ({ weight, key })).sort((a, b) => b.weight - a.weight)
  const flow = (texts: readonly string[], first: number, areQueries: boolean, areKeys: boolean) => (
    // biome-ignore lint/a11y/noStaticElementInteractions: the strip of tokens does the same by keyboard
    <div class="look-tokens" onMouseLeave={() => onHover(undefined)}>
      {texts.map((text, i) => (
        <button
          key={i}
          type="button"
          tabIndex={-1}
          disabled={!areQueries || i < first}
          class={areQueries && i - first === query ? 'look is-query' : 'look'}
          style={areKeys ? weightBackground(weights[i] / largest) : undefined}
          title={areKeys ? `${i}: ${weights[i].toFixed(4)}` : undefined}
          onMouseEnter={() => areQueries && i >= first && onHover(i - first)}
          onClick={() => onQuery(i - first)}
        >
          {text}
        </button>
      ))}
    </div>
  )
  const named = (isToken: boolean, at: number, text: string): string =>
    isToken ? `token ${at} “${text}”` : `position ${at}`
  const hasRoom = (are: boolean, texts: readonly string[]): boolean => are || texts.length <= MAX_NUMBERED
  const areQueriesShown = hasRoom(areTokens.queries, queries)
  const areKeysShown = hasRoom(areTokens.keys, keys)
  const [{ key: most, weight: mostWeight }] = ranked
  return (
    <>
      <p class="hint">
        {areQueriesShown ? 'Point at one to see where it looks' : 'The matrix shows and chooses all queries'}. The
        query, {named(areTokens.queries, query, queries[query])}, takes most of{' '}
        {named(areTokens.keys, most - (areTokens.keys ? past : 0), keys[most])}, {percent(mostWeight)}.
      </p>
      {isSelf && areQueriesShown && flow(keys, past, true, true)}
      {!isSelf && areQueriesShown && (
        <>
          <h3>Queries</h3>
          {flow(queries, 0, true, false)}
        </>
      )}
      {!isSelf && areKeysShown && (
        <>
          <h3>Keys</h3>
          {flow(keys, 0, false, true)}
        </>
      )}
      <ShareTable
        class="look-values"
        caption={`The keys that ${named(areTokens.queries, query, queries[query])} takes most of`}
        columns={['position', 'weight']}
        rows={ranked
          .slice(0, MAX_LISTED)
          .map(({ weight, key }) =>
            areTokens.keys ? { text: keys[key], number: key - past, share: weight } : { number: key, share: weight },
          )}
      />
    </>
  )
}
