import { Fragment } from 'preact'
import { useRef } from 'preact/hooks'
import type { AttentionSite } from '../../protocol/api.ts'
import { headLimits, isCausal, rangeAroundZero } from '../module/maps.tsx'
import { Cells } from '../parts/cells.tsx'
import type { Limits } from '../state/view-state.ts'
import { siteNames } from './site-names.ts'

interface HeadGridProps {
  readonly sites: readonly AttentionSite[]
  readonly chosen: { readonly path: string; readonly head: number }
  readonly onHead: (path: string, head: number) => void
  readonly limits: Limits
}

/** All heads as small maps, a row for each layer. Arrow keys go from head to head. */
export function HeadGrid({ sites, chosen, onHead, limits }: HeadGridProps) {
  const grid = useRef<HTMLDivElement>(null)
  const names = siteNames(sites.map(({ path }) => path))
  const differences = sites.flatMap(site => site.differences ?? [])
  const largest = Math.max(0, ...differences.map(map => rangeAroundZero(map)[1]))
  const go = (event: KeyboardEvent): void => {
    const row = sites.findIndex(({ path }) => path === chosen.path)
    const to = {
      ArrowUp: [row - 1, chosen.head],
      ArrowDown: [row + 1, chosen.head],
      ArrowLeft: [row, chosen.head - 1],
      ArrowRight: [row, chosen.head + 1],
    }[event.key]
    const site = to && sites[to[0]]
    if (!site || to[1] < 0 || to[1] >= site.heads) return
    event.preventDefault()
    onHead(site.path, to[1])
    grid.current?.querySelector<HTMLElement>(`[data-head="${to[0]} ${to[1]}"]`)?.focus()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: its buttons have the focus
    <div class="head-grid" ref={grid} onKeyDown={go}>
      {sites.map(({ path, heads, maps, differences: changed }, row) => (
        <div key={path} class="heads-row">
          <span class="heads-name code" title={path}>
            <Breakable name={names[row]} />
          </span>
          <div class="heads">
            {Array.from({ length: heads }, (_, head) => {
              const isChosen = path === chosen.path && head === chosen.head
              const map = (changed ?? maps)[head]
              return (
                <button
                  key={head}
                  type="button"
                  class="head"
                  data-head={`${row} ${head}`}
                  aria-pressed={isChosen}
                  aria-label={`${path} head ${head}`}
                  tabIndex={isChosen ? 0 : -1}
                  onClick={() => onHead(path, head)}
                >
                  <span class="head-cells is-small">
                    <Cells
                      cells={map.cells}
                      domain={changed ? [-largest, largest] : headLimits(map, limits)}
                      scale={changed ? 'diverging' : 'attention'}
                      isMasked={!changed && isCausal(map)}
                    />
                  </span>
                </button>
              )
            })}
          </div>
        </div>
      ))}
      {differences.length > 0 && <p class="hint">How much the edit changes each head: red is more, blue is less.</p>}
    </div>
  )
}

/** A name that may be broken between its words: `encoder_attn`, `EncDecAttention`. */
function Breakable({ name }: { readonly name: string }) {
  return name.split(/(?<=_)|(?<=[a-z])(?=[A-Z])/).map((part, i) => (
    <Fragment key={i}>
      {i > 0 && <wbr />}
      {part}
    </Fragment>
  ))
}
