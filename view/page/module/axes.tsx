import type { ModuleView, SentAxis } from '../../protocol/api.ts'
import type { ViewState } from '../state/view-state.ts'

/** An axis by its number and, if it is known, what it stands for. */
export const axisName = (axis: number, names: readonly SentAxis[]): string =>
  names[axis]?.name ? `axis ${axis}, ${names[axis].name}` : `axis ${axis}`

interface AxesChoiceProps {
  /** The sizes of all axes. */
  readonly dims: readonly number[]
  /** What they stand for. */
  readonly names: readonly SentAxis[]
  /** The axes of rows and columns, if they are not the last two. */
  readonly axes: ViewState['axes']
  readonly leading: ModuleView['leading']
  readonly facets: number | undefined
  readonly onChange: (part: Pick<ViewState, 'axes' | 'leading' | 'facets'>) => void
}

/** For a value of more than two axes: which of them are the rows and the columns, a slider for each other one, and which has small maps. */
export function AxesChoice({ dims, names, axes, leading, facets, onChange }: AxesChoiceProps) {
  const rank = dims.length
  const own = [rank - 2, rank - 1] as const
  const [rows, columns] = axes ?? own
  const long = leading.filter(({ size }) => size > 1)
  if (rank < 3 || (long.length === 0 && axes === undefined)) return null
  // An axis that is chosen for one side changes places with the one that was there.
  const choose = (side: 0 | 1, axis: number): void => {
    const chosen: [number, number] = [rows, columns]
    const other = side === 0 ? 1 : 0
    if (chosen[other] === axis) chosen[other] = chosen[side]
    chosen[side] = axis
    const isOwn = chosen[0] === own[0] && chosen[1] === own[1]
    onChange({ axes: isOwn ? undefined : chosen, leading: undefined, facets: undefined })
  }
  const setAt = (axis: number, at: number): void =>
    onChange({ axes, facets, leading: leading.map(one => (one.axis === axis ? at : one.at)) })
  return (
    <div class="dims axes-choice">
      {(['rows', 'columns'] as const).map((name, side) => (
        <label key={name}>
          {name}
          <select
            value={side === 0 ? rows : columns}
            onChange={event => choose(side as 0 | 1, Number(event.currentTarget.value))}
          >
            {dims.map((size, axis) => (
              <option key={axis} value={axis}>
                {axisName(axis, names)} ({size})
              </option>
            ))}
          </select>
        </label>
      ))}
      {long.map(({ axis, size, at }) => (
        <span key={axis} class="axis-index">
          <label>
            {axisName(axis, names)}
            <input
              type="number"
              min={0}
              max={size - 1}
              value={at}
              onChange={event => setAt(axis, Math.min(size - 1, Math.max(0, event.currentTarget.valueAsNumber || 0)))}
            />
            <span class="hint">of {size}</span>
          </label>
          <input
            type="range"
            aria-label={`index on ${axisName(axis, names)}`}
            min={0}
            max={size - 1}
            value={at}
            onChange={event => setAt(axis, event.currentTarget.valueAsNumber)}
          />
        </span>
      ))}
      {long.length > 0 && (
        <label>
          small maps of
          <select
            value={facets ?? ''}
            onChange={event => {
              const { value } = event.currentTarget
              onChange({ axes, leading: leading.map(one => one.at), facets: value === '' ? undefined : Number(value) })
            }}
          >
            <option value="">no axis</option>
            {long.map(({ axis, size }) => (
              <option key={axis} value={axis}>
                {axisName(axis, names)} ({size})
              </option>
            ))}
          </select>
        </label>
      )}
    </div>
  )
}
