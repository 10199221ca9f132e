import type { AttentionOverview } from '../../protocol/api.ts'
import { HeadGrid } from '../attention/grid.tsx'
import type { PanelProps } from '../panel-props.ts'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'

/** All heads as small maps. A click opens one of them in its tab. */
export function Glimpse({ client, request, requestKey, change, state }: PanelProps) {
  const answer = useAnswer<AttentionOverview>(client, 'attention', request, requestKey)
  return (
    <section aria-labelledby="glimpse-title">
      <h3 id="glimpse-title">
        Attention heads{' '}
        <small>
          {answer.value && `${countOf(answer.value)}; `}
          {answer.value?.sites.some(({ areTokens }) => !areTokens.queries || !areTokens.keys)
            ? 'each row is a query, and each column a key that it looks at'
            : 'each row is a token, and each column a token that it looks at'}
        </small>
      </h3>
      <Waiting
        answer={answer}
        show={({ sites, omitted }) => (
          <>
            {sites.length > 0 && (
              <HeadGrid
                sites={sites}
                limits={state.limits}
                chosen={{ path: state.site ?? sites[0].path, head: state.head }}
                onHead={(site, head) => change({ tab: 'attention', site, head })}
              />
            )}
            {sites.length === 0 && <p class="empty">No head of this model can be read.</p>}
            {omitted > 0 && <p class="hint">{omitted} more layers are not shown: there are too many heads.</p>}
          </>
        )}
      />
    </section>
  )
}

/** How many there are: `12 × 12`, or their sum if layers differ. */
function countOf({ sites }: AttentionOverview): string {
  const counts = new Set(sites.map(({ heads }) => heads))
  if (counts.size === 1) return `${sites.length} × ${[...counts][0]}`
  return String(sites.reduce((sum, { heads }) => sum + heads, 0))
}
