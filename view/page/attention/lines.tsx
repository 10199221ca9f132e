import { weightBackground } from '../parts/colours.ts'
import { Looks } from './looks.tsx'
import type { HeadView } from './weights.ts'
import { weightsOf } from './weights.ts'

const HEIGHT = 20
/** The most tokens for which the lines of all queries are drawn. For more, only the lines of one query are. */
const MAX_ALL = 64
/** The most queries or keys between which lines are drawn. */
const MAX_DRAWN = 512
/** Weights below this have no line. */
const LEAST = 0.02

/** Queries at the left, keys at the right, and a line for each weight that is not small. */
export function Lines(props: HeadView) {
  const { value, queries, keys, query, weights, onHover, onQuery } = props
  if (Math.max(queries.length, keys.length) > MAX_DRAWN) return <Looks {...props} />
  const rows = Math.max(queries.length, keys.length)
  const isWhole = value.map.factors.every(factor => factor === 1) && queries.length <= MAX_ALL
  const shown = isWhole ? queries.map((_, i) => i) : [query]
  return (
    <div class="attention-lines" style={{ height: `${rows * HEIGHT}px` }}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the strip of tokens does the same by keyboard */}
      <div class="lines-side is-left" onMouseLeave={() => onHover(undefined)}>
        {queries.map((text, i) => (
          <button
            key={i}
            type="button"
            tabIndex={-1}
            class={i === query ? 'look is-query' : 'look'}
            onMouseEnter={() => onHover(i)}
            onClick={() => onQuery(i)}
          >
            {text}
          </button>
        ))}
      </div>
      <svg
        viewBox={`0 0 100 ${rows * HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Lines of head ${value.head}`}
      >
        {shown.flatMap(from =>
          (from === query ? weights : weightsOf(value, from)).map((weight, to) =>
            weight < LEAST ? null : (
              <line
                key={`${from} ${to}`}
                data-line={`${from} ${to}`}
                x1="0"
                x2="100"
                y1={(from + 0.5) * HEIGHT}
                y2={(to + 0.5) * HEIGHT}
                class={from === query ? 'is-query' : undefined}
                stroke-opacity={from === query ? Math.max(0.15, weight) : 0.35 * weight}
              />
            ),
          ),
        )}
      </svg>
      <div class="lines-side">
        {keys.map((text, i) => (
          <span key={i} class="look" style={weightBackground(weights[i])}>
            {text}
          </span>
        ))}
      </div>
    </div>
  )
}
