import type { Heads, HeadsOf, ModuleRequest, SentMap } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import { Cells } from '../parts/cells.tsx'
import { show } from '../parts/numbers.ts'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'
import { largestIn } from './seen.tsx'

interface AllHeadsProps {
  readonly client: Client
  readonly request: ModuleRequest
  /** Of all but what is chosen in the module: that changes nothing here. */
  readonly requestKey: string
  readonly chosen: { readonly node: string; readonly head: number }
  readonly onPattern: (pattern: { node: string; head: number }) => void
}

/** All heads at a glance: one is chosen by a click. Of a comparison it is their differences. */
export function AllHeads({ client, request, requestKey, chosen, onPattern }: AllHeadsProps) {
  const { value: _, leading: __, pattern: ___, ...rest } = request
  const answer = useAnswer<Heads>(client, 'heads', rest, requestKey)
  return (
    <Waiting
      answer={answer}
      show={({ patterns, left }) => {
        const largest = Math.max(...patterns.flatMap(one => one.differences ?? []).map(map => largestIn(map)[1]))
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
            {left > 0 && <p class="hint">{left} more are not shown here: choose a module below this one.</p>}
          </div>
        )
      }}
    />
  )
}

/** `h.1.attn`: enough to tell layers apart. */
const shortened = ({ module, node }: HeadsOf): string => (module || node).split(/[./]/).slice(-3).join('.')

function Head({
  map,
  largest,
  name,
  place,
  isChosen,
  onChoose,
}: {
  map: SentMap
  /** Of all differences, where this is one. */
  largest: number | undefined
  name: string
  /** The module. */
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
          domain={largest === undefined ? [0, 1] : [-largest, largest]}
          scale={largest === undefined ? 'sequential' : 'diverging'}
        />
      </span>
      <small class="head-name">{largest === undefined ? name : `${name} · ±${show(largestIn(map)[1])}`}</small>
    </button>
  )
}
