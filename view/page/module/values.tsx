import type { ModuleView } from '../../protocol/api.ts'

/** Values that leave and enter a module; one of them is shown. */
export function ValuesList({
  values,
  shown,
  onValue,
}: {
  values: ModuleView['values']
  shown: number
  onValue: (value: number) => void
}) {
  return (
    <div class="table-scroll">
      <table class="values-list">
        <caption class="hidden">Values that leave and enter the module</caption>
        <thead>
          <tr>
            <th scope="col">value</th>
            <th scope="col">name</th>
            <th scope="col">dtype</th>
            <th scope="col">dims</th>
            <th scope="col">
              <span class="hidden">Show</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {values.map(({ side, name, type, dims }, i) => (
            <tr key={`${side} ${name}`} class={i === shown ? 'is-chosen' : undefined}>
              <td>{side}</td>
              <td class="code name-cell" title={name}>
                {name}
              </td>
              <td class="code">{type}</td>
              <td class="code">[{dims.map(dim => dim ?? '?').join(', ')}]</td>
              <td>
                {i === shown ? (
                  <span class="hint">shown</span>
                ) : (
                  <button type="button" class="link" aria-label={`Show ${side} ${name}`} onClick={() => onValue(i)}>
                    show
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Places on the axes before the last two. */
export function Leading({
  leading,
  onLeading,
}: {
  leading: ModuleView['leading']
  onLeading: (leading: readonly number[]) => void
}) {
  if (!leading.some(({ size }) => size > 1)) return null
  return (
    <div class="dims">
      {leading.map(({ size, at }, axis) =>
        size === 1 ? null : (
          <label key={axis}>
            axis {axis}
            <input
              type="number"
              min={0}
              max={size - 1}
              value={at}
              onChange={event => {
                const chosen = Math.min(size - 1, Math.max(0, event.currentTarget.valueAsNumber || 0))
                onLeading(leading.map((one, i) => (i === axis ? chosen : one.at)))
              }}
            />
            <span class="hint">of {size}</span>
          </label>
        ),
      )}
    </div>
  )
}
