import type { ComparedOutput, SavedValue, Statistics } from '../../protocol/api.ts'
import { StatisticsLine } from '../module/statistics.tsx'
import { signedBackground } from '../parts/colours.ts'
import { grouped, numberOf, sameDecimals, show } from '../parts/numbers.ts'
import { Scrolling } from '../parts/scrolling.tsx'
import { showShape } from '../parts/shapes.ts'

/** The outputs of a model without logits, unedited and edited. */
export function ComparedOutputs({ outputs }: { outputs: readonly ComparedOutput[] }) {
  return (
    <>
      {outputs.map(output => (
        <section key={output.name} aria-label={`Output ${output.name}`}>
          <h3>
            Output <span class="code">{output.name}</span> <small class="code">{showShape(output)}</small>
          </h3>
          {output.statistics ? (
            <Numbers sides={output.statistics} difference={output.difference} />
          ) : (
            <p class="empty">This output has no numbers to compare.</p>
          )}
          <FirstValues output={output} />
        </section>
      ))}
    </>
  )
}

const rows = ['min', 'max', 'mean', 'std', 'nan', 'infinite'] as const

function Numbers({
  sides,
  difference,
}: {
  sides: readonly [Statistics, Statistics]
  difference: Statistics | undefined
}) {
  return (
    <Scrolling label="Statistics">
      <table class="numbers output-statistics">
        <caption class="hidden">Statistics, unedited and edited</caption>
        <thead>
          <tr>
            <th scope="col" class="left">
              of {grouped(sides[0].count)} numbers
            </th>
            <th scope="col">unedited</th>
            <th scope="col">edited</th>
            <th scope="col">edited − unedited</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(name => (
            <tr key={name} data-name={name}>
              <th scope="row" class="left">
                {name === 'nan' ? 'NaN' : name}
              </th>
              <td>{show(sides[0][name])}</td>
              <td>{show(sides[1][name])}</td>
              <td>{difference ? show(difference[name]) : 'other dims'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolling>
  )
}

function FirstValues({ output: { values, statistics } }: { output: ComparedOutput }) {
  const [unedited, edited] = values.map(side => side.map(numberOf))
  if (!statistics || unedited.length !== edited.length) return null
  const change = edited.map((value, i) => value - unedited[i])
  const text = sameDecimals([...unedited, ...edited])
  const changed = sameDecimals(change)
  const largest = Math.max(0, ...change.map(Math.abs).filter(Number.isFinite))
  return (
    <Scrolling label="First values">
      <table class="numbers first-values">
        <caption class="hidden">First values, unedited and edited</caption>
        <thead>
          <tr>
            <th scope="col" class="left">
              element
            </th>
            {unedited.map((_, i) => (
              <th key={i} scope="col">
                {i}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row" class="left">
              unedited
            </th>
            {unedited.map((value, i) => (
              <td key={i}>{text(value)}</td>
            ))}
          </tr>
          <tr>
            <th scope="row" class="left">
              edited
            </th>
            {edited.map((value, i) => (
              <td key={i}>{text(value)}</td>
            ))}
          </tr>
          <tr>
            <th scope="row" class="left">
              difference
            </th>
            {change.map((value, i) => (
              <td key={i} style={signedBackground(value, largest)}>
                {value > 0 ? '+' : ''}
                {changed(value)}
              </td>
            ))}
          </tr>
        </tbody>
      </table>
    </Scrolling>
  )
}

/** The values that the template saves. */
export function Saved({ saved }: { saved: readonly SavedValue[] }) {
  return (
    <>
      <h3>Saved</h3>
      {saved.map(value => (
        <div key={value.name} class="saved" data-name={value.name}>
          <p>
            <b class="code">{value.name}</b> <span class="code hint">{showShape(value)}</span>
          </p>
          {value.statistics && <StatisticsLine statistics={value.statistics} />}
          <p class="code first-numbers">
            {value.values
              .slice(0, 16)
              .map(cell => (typeof cell === 'number' ? show(cell) : String(cell)))
              .join('  ')}
            {value.values.length > 16 ? ' …' : ''}
          </p>
        </div>
      ))}
    </>
  )
}
