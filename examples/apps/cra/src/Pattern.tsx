import { useState } from 'react'
import type { Readings } from './look'
import { shade } from './shade'
import { percent, show } from './show'

interface PatternProps extends Pick<Readings, 'patterns'> {
  readonly tokens: readonly string[]
}

/** How much each token attends to the tokens before it, in one head. */
export function Pattern({ patterns, tokens }: PatternProps) {
  const [layer, setLayer] = useState(1)
  const [head, setHead] = useState(0)
  const [chosen, setChosen] = useState<{ row: number; column: number }>()
  const rows = patterns[layer][head]
  const at = chosen && chosen.row < rows.length ? chosen : undefined
  return (
    <section aria-labelledby="pattern">
      <h2 id="pattern">Attention pattern</h2>
      <div className="choices">
        <Choice name="Layer" count={patterns.length} value={layer} onChange={setLayer} />
        <Choice name="Head" count={patterns[layer].length} value={head} onChange={setHead} />
      </div>
      <p className="about">Each row is a token, and shows how much it attends to itself and to the tokens before it.</p>
      <section className="scroll" tabIndex={0} aria-label="Attention pattern, scrollable">
        <table className="pattern" aria-labelledby="pattern">
          <thead>
            <tr>
              <td />
              {tokens.map((token, i) => (
                <th key={i} scope="col">
                  {show(token)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody onMouseLeave={() => setChosen(undefined)}>
            {rows.map((row, i) => (
              <tr key={i}>
                <th scope="row">{show(tokens[i])}</th>
                {row.map((share, j) => (
                  <td
                    key={j}
                    style={shade(share)}
                    className={j > i ? 'later' : undefined}
                    onMouseEnter={() => setChosen({ row: i, column: j })}
                  >
                    {j <= i && <span className="visually-hidden">{percent(share)}</span>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p className="readout" aria-live="polite">
        {at && at.column <= at.row
          ? `${show(tokens[at.row])} at ${at.row} attends to ${show(tokens[at.column])} at ${at.column}: ${percent(rows[at.row][at.column])}`
          : 'Point at a cell to see its share.'}
      </p>
    </section>
  )
}

interface ChoiceProps {
  readonly name: string
  readonly count: number
  readonly value: number
  readonly onChange: (value: number) => void
}

function Choice({ name, count, value, onChange }: ChoiceProps) {
  return (
    <label>
      {name}{' '}
      <select value={value} onChange={event => onChange(Number(event.target.value))}>
        {Array.from({ length: count }, (_, i) => (
          <option key={i} value={i}>
            {i}
          </option>
        ))}
      </select>
    </label>
  )
}
