import type { PatchCell, PatchedView } from '../../protocol/api.ts'
import { HeatMap } from '../parts/heat-map.tsx'
import { show } from '../parts/numbers.ts'
import { tokenText } from '../parts/tokens.ts'

interface PatchedMapProps {
  readonly result: PatchedView
  readonly isStale: boolean
  readonly chosen: PatchCell | undefined
  readonly onChoose: (cell: PatchCell) => void
}

/** A map of how much each patch brings back. Its rows are layers, and its columns positions or heads. */
export function PatchedMap({ result, isStale, chosen, onChoose }: PatchedMapProps) {
  const { layers, across, recovered, values, clean, corrupted, answers } = result
  const columns = Math.max(...recovered.map(row => row.length))
  const texts = across === 'token' ? columnTexts(result) : undefined
  const [answer, other] = answers.map(tokenText)
  return (
    <div class={isStale ? 'stale' : undefined}>
      <p class="verdict">
        The logit of “{answer}” minus that of “{other}” is {show(clean)} in the clean run and {show(corrupted)} in the
        corrupted one. Each cell is the share that comes back when this activation of the clean run is put in: 0 none, 1
        all. Choose one to see its run.
      </p>
      <HeatMap
        map={{ rows: layers.length, columns, factors: [1, 1], cells: recovered }}
        label={`What each patch brings back, ${layers.length} by ${columns}`}
        domain={[-1, 1]}
        scale="diverging"
        axes={['layer', across]}
        columnLabels={texts ?? Array.from({ length: columns }, (_, head) => String(head))}
        rowLabels={layers.map(String)}
        chosenRow={chosen && layers.includes(chosen.layer) ? layers.indexOf(chosen.layer) : undefined}
        onChoose={(row, place) => onChoose({ layer: layers[row], place })}
        name={({ row, column }) => `layer ${layers[row]} · ${across} ${column}${texts ? ` “${texts[column]}”` : ''}`}
        note={({ row, column }) => `logit difference ${show(values[row][column])}`}
      />
    </div>
  )
}

/** The token at each position; both tokens if the texts differ there. */
export const columnTexts = ({ tokens }: PatchedView): string[] =>
  tokens.map(([a, b]) => (a.id === b.id ? tokenText(a) : `${tokenText(a)}/${tokenText(b)}`))
