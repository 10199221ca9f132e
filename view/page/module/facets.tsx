import type { ModuleView, SentAxis } from '../../protocol/api.ts'
import { Cells } from '../parts/cells.tsx'
import { numberOf } from '../parts/numbers.ts'
import { visible } from '../parts/tokens.ts'
import { axisName } from './axes.tsx'
import { robustLimits } from './maps.tsx'

interface FacetsProps {
  readonly facets: NonNullable<ModuleView['facets']>
  readonly names: readonly SentAxis[]
  readonly leading: ModuleView['leading']
  readonly onLeading: (leading: readonly number[]) => void
}

/** A small map for each index of an axis, all with the same colours. A click shows one in full. */
export function Facets({ facets: { axis, maps }, names, leading, onLeading }: FacetsProps) {
  const chosen = leading.find(one => one.axis === axis)
  const { name, labels } = names[axis] ?? {}
  const areSigned = maps.some(({ cells }) => cells.some(row => row.some(cell => numberOf(cell) < 0)))
  const domain = robustLimits(maps, areSigned)
  return (
    <fieldset class="facets">
      <legend class="hint">
        {maps.length} of {chosen?.size} on {axisName(axis, names)}
      </legend>
      {maps.map((map, at) => (
        <button
          key={at}
          type="button"
          class="head"
          aria-pressed={at === chosen?.at}
          onClick={() => onLeading(leading.map(one => (one.axis === axis ? at : one.at)))}
        >
          {!name && <span class="hidden">axis {axis} at </span>}
          <span class="head-cells is-small">
            <Cells cells={map.cells} domain={domain} {...(areSigned ? { scale: 'diverging' as const } : {})} />
          </span>
          <small class="head-name">
            {name ? `${name} ${at}` : at}
            {labels?.[at] !== undefined && <span class="token-text"> {visible(labels[at])}</span>}
          </small>
        </button>
      ))}
    </fieldset>
  )
}
