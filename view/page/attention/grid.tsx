import { useRef } from 'preact/hooks'
import type { AttentionSite } from '../../protocol/api.ts'
import { headLimits, isCausal, rangeAroundZero } from '../module/maps.tsx'
import { Cells } from '../parts/cells.tsx'
import type { Limits } from '../state/view-state.ts'

interface HeadGridProps {
  readonly sites: readonly AttentionSite[]
  readonly chosen: { readonly path: string; readonly head: number }
  readonly onHead: (path: string, head: number) => void
  readonly limits: Limits
}

/** The name of a row: `layer 3` if one number in the path distinguishes the modules, else the end of the path. */
function siteName(path: string, sites: HeadGridProps['sites']): string {
  const numbers = (of: string): string => of.match(/\b\d+\b/g)?.join('.') ?? ''
  const isAlone = numbers(path) !== '' && sites.filter(site => numbers(site.path) === numbers(path)).length === 1
  return isAlone ? `layer ${numbers(path)}` : path.split('.').slice(-3).join('.') || 'model'
}

/** All heads as small maps, a row for each layer. Arrow keys go from head to head. */
export function HeadGrid({ sites, chosen, onHead, limits }: HeadGridProps) {
  const grid = useRef<HTMLDivElement>(null)
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
            {siteName(path, sites)}
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
