import type { AblationView } from '../../protocol/api.ts'
import { aroundZero } from '../parts/colours.ts'
import { HeatMap } from '../parts/heat-map.tsx'
import { show } from '../parts/numbers.ts'
import { tokenText } from '../parts/tokens.ts'

/** A map of how far the log probability moves without each part: blue if the part was needed. A click takes the part out. */
export function AblatedMap({ result, onChoose }: { result: AblationView; onChoose: (edit: string) => void }) {
  const { layers, rows, target, base } = result
  const columns = Math.max(...rows.map(row => row.length))
  const widest = rows.find(row => row.length === columns)!
  const effects = rows.map(row => Array.from({ length: columns }, (_, i) => row[i]?.effect ?? 0))
  // One part that the model can't do without must not make all others look alike.
  const sizes = effects
    .flat()
    .map(Math.abs)
    .sort((a, b) => a - b)
  const limit = sizes[Math.floor(0.9 * (sizes.length - 1))] || sizes[sizes.length - 1]
  return (
    <>
      <p class="verdict">
        The log probability of “{tokenText(target)}” is {show(base)}. Each cell is by how much it moves without that
        part: blue, the model needs it; red, it is likelier without. Choose one to see the lens without it.
      </p>
      <HeatMap
        map={{ rows: layers.length, columns, factors: [1, 1], cells: effects }}
        label={`What the model loses without each part, ${layers.length} by ${columns}`}
        domain={aroundZero(limit, limit)}
        scale="diverging"
        axes={['layer', 'part']}
        rowLabels={layers.map(String)}
        columnLabels={widest.map(({ name }) => name)}
        onChoose={(row, column) => rows[row][column] && onChoose(rows[row][column].edit)}
        name={({ row, column }) => `layer ${layers[row]} · ${rows[row][column]?.name ?? ''}`}
      />
    </>
  )
}
