import { useState } from 'preact/hooks'
import type { ModuleView } from '../../protocol/api.ts'

/** How many values are listed at first. A model with a cache has dozens. */
const MAX_LISTED = 4

/** A list of the module’s outputs and inputs, where the user chooses the one to show. */
export function ValuesList({
  values,
  chosen,
  onValue,
}: {
  values: ModuleView['values']
  chosen: number
  onValue: (value: number) => void
}) {
  const [isWhole, setWhole] = useState(false)
  const listed = isWhole || values.length <= MAX_LISTED + 1 ? values : shortened(values, chosen)
  return (
    <div class="table-scroll">
      <table class="values-list">
        <caption class="hidden">Outputs and inputs of the module</caption>
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
          {listed.map(value => {
            const { side, name, type, dims } = value
            const i = values.indexOf(value)
            return (
              <tr key={`${side} ${name}`} class={i === chosen ? 'is-chosen' : undefined}>
                <td>{side}</td>
                <td class="code name-cell" title={name}>
                  {name}
                </td>
                <td class="code">{type}</td>
                <td class="code">[{dims.map(dim => dim ?? '?').join(', ')}]</td>
                <td>
                  {i === chosen ? (
                    <span class="hint">shown</span>
                  ) : (
                    <button type="button" class="link" aria-label={`Show ${side} ${name}`} onClick={() => onValue(i)}>
                      show
                    </button>
                  )}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
      {listed.length < values.length && (
        <button type="button" class="link more" onClick={() => setWhole(true)}>
          {values.length - listed.length} more, such as {values.find(value => !listed.includes(value))?.name}
        </button>
      )}
    </div>
  )
}

/** The chosen value, and the first outputs and inputs, without those of a cache. */
function shortened(values: ModuleView['values'], chosen: number): ModuleView['values'] {
  const isCache = (name: string): boolean => /past|present|cache/i.test(name)
  const first = (side: 'input' | 'output') =>
    values.filter(value => value.side === side && !isCache(value.name)).slice(0, MAX_LISTED / 2)
  const shown = new Set([...first('output'), ...first('input'), values[chosen]])
  return values.filter(value => shown.has(value))
}
