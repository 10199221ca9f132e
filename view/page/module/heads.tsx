import type { Heads, ModuleRequest, PatternHeads, SentMap } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import { Cells } from '../parts/cells.tsx'
import { show } from '../parts/numbers.ts'
import { Waiting } from '../parts/waiting.tsx'
import type { Limits } from '../state/view-state.ts'
import { useAnswer } from '../use-answer.ts'
import { headLimits, isCausal, rangeAroundZero } from './maps.tsx'

interface AllHeadsProps {
  readonly client: Client
  readonly request: ModuleRequest
  /** The key of the request without the value and the head that are chosen, which change nothing here. */
  readonly requestKey: string
  readonly chosen: { readonly node: string; readonly head: number }
  readonly onPattern: (pattern: { node: string; head: number }) => void
  readonly limits: Limits
}

/** Small maps of all heads, or of their differences in a comparison. A click chooses a head. */
export function AllHeads({ client, request, requestKey, chosen, onPattern, limits }: AllHeadsProps) {
  const { value: _, leading: __, axes: ____, facets: _____, pattern: ___, ...rest } = request
  const answer = useAnswer<Heads>(client, 'heads', rest, requestKey)
  return (
    <Waiting
      answer={answer}
      show={({ patterns, omitted }) => {
        const largest = Math.max(...patterns.flatMap(one => one.differences ?? []).map(map => rangeAroundZero(map)[1]))
        return (
          <div class="all-heads">
            {patterns.map(one => (
              <div key={one.node} class="heads-row">
                <span class="heads-name code" title={one.module || one.node}>
                  {shortened(one)}
                </span>
                <div class="heads">
                  {(one.differences ?? one.maps).map((map, head) => (
                    <Head
                      key={head}
                      map={map}
                      limits={limits}
                      largest={one.differences ? largest : undefined}
                      name={`head ${head}`}
                      place={`${one.module || one.node} `}
                      isChosen={one.node === chosen.node && head === chosen.head}
                      onChoose={() => onPattern({ node: one.node, head })}
                    />
                  ))}
                </div>
              </div>
            ))}
            {omitted > 0 && (
              <p class="hint">
                {omitted} more {omitted === 1 ? 'pattern is' : 'patterns are'} not shown here. Choose a module inside
                this one to see fewer.
              </p>
            )}
          </div>
        )
      }}
    />
  )
}

/** The end of a path: `h.1.attn` is enough to tell layers apart. */
const shortened = ({ module, node }: PatternHeads): string => (module || node).split(/[./]/).slice(-3).join('.')

function Head({
  map,
  limits,
  largest,
  name,
  place,
  isChosen,
  onChoose,
}: {
  map: SentMap
  limits: Limits
  /** The largest difference of all heads, if the map is a difference. */
  largest: number | undefined
  name: string
  /** The module’s path, for screen readers. */
  place: string
  isChosen: boolean
  onChoose: () => void
}) {
  return (
    <button type="button" class="head" aria-pressed={isChosen} onClick={onChoose}>
      <span class="hidden">{place}</span>
      <span class="head-cells">
        <Cells
          cells={map.cells}
          domain={largest === undefined ? headLimits(map, limits) : [-largest, largest]}
          scale={largest === undefined ? 'attention' : 'diverging'}
          isMasked={largest === undefined && isCausal(map)}
        />
      </span>
      <small class="head-name">{largest === undefined ? name : `${name} · ±${show(rangeAroundZero(map)[1])}`}</small>
    </button>
  )
}
