import type { ModuleView, Pattern, Token } from '../../api.ts'
import { HeatMap } from '../parts/heat-map.tsx'
import { numberOf } from '../parts/numbers.ts'
import { Scrolling } from '../parts/scrolling.tsx'
import { tokenText } from '../parts/tokens.ts'

interface AttentionProps {
  readonly patterns: readonly Pattern[]
  readonly shown: NonNullable<ModuleView['pattern']>
  readonly tokens: readonly Token[] | undefined
  readonly onPattern: (pattern: { node: string; head: number }) => void
}

/** Which token looks at which: rows look, columns are looked at. */
export function AttentionPattern({ patterns, shown, tokens, onPattern }: AttentionProps) {
  const { node, head, map } = shown
  const pattern = patterns.find(one => one.node === node)
  const cells = map.cells.map(row => row.map(numberOf))
  const texts = tokens?.length === map.rows ? tokens.map(tokenText) : undefined
  const isWhole = map.factors[0] === 1
  const sum = (row: number): number => cells[row].reduce((total, value) => total + value, 0)
  return (
    <section class="attention" aria-labelledby="attention-title">
      <h3 id="attention-title">
        Attention pattern <small>rows look at columns</small>
      </h3>
      <div class="toolbar">
        {patterns.length > 1 && (
          <label>
            in
            <select value={node} onChange={event => onPattern({ node: event.currentTarget.value, head })}>
              {patterns.map(one => (
                <option key={one.node} value={one.node}>
                  {one.module || one.node}
                </option>
              ))}
            </select>
          </label>
        )}
        <label>
          head
          <select value={head} onChange={event => onPattern({ node, head: Number(event.currentTarget.value) })}>
            {Array.from({ length: pattern?.heads ?? 1 }, (_, i) => (
              <option key={i} value={i}>
                {i}
              </option>
            ))}
          </select>
          <span class="hint">of {pattern?.heads ?? 1}</span>
        </label>
      </div>
      <HeatMap
        map={map}
        label={`Attention pattern of head ${head}, ${map.rows} by ${map.columns}`}
        domain={[0, 1]}
        axes={['token', 'token']}
        rowLabels={texts}
        columnLabels={texts}
        isSquare
        {...(isWhole ? { note: (row: number) => `row sum ${sum(row).toFixed(4)}` } : {})}
      />
      {isWhole && map.rows <= 64 && (
        <details>
          <summary>Numbers</summary>
          <Scrolling label="Attention pattern in numbers">
            <table class="numbers pattern-values">
              <caption class="hidden">Attention pattern of head {head}</caption>
              <thead>
                <tr>
                  <th scope="col">token</th>
                  {cells.map((_, i) => (
                    <th key={i} scope="col">
                      {texts?.[i] ?? i}
                    </th>
                  ))}
                  <th scope="col">sum</th>
                </tr>
              </thead>
              <tbody>
                {cells.map((row, i) => (
                  <tr key={i}>
                    <th scope="row">{texts?.[i] ?? i}</th>
                    {row.map((value, column) => (
                      <td key={column}>{value.toFixed(4)}</td>
                    ))}
                    <td class="sum">{sum(i).toFixed(4)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scrolling>
        </details>
      )}
    </section>
  )
}
