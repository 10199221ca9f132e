import { useEffect, useState } from 'preact/hooks'
import type { LineOrder, ModuleRequest, Row } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import { signedBackground } from '../parts/colours.ts'
import { grouped, numberOf, sameDecimals } from '../parts/numbers.ts'
import { Scrolling } from '../parts/scrolling.tsx'
import { Switch } from '../parts/switch.tsx'
import { tokenText } from '../parts/tokens.ts'
import { Waiting } from '../parts/waiting.tsx'
import type { Line } from '../state/view-state.ts'
import { useAnswer } from '../use-answer.ts'

interface LineValuesProps {
  readonly client: Client
  readonly request: ModuleRequest
  readonly requestKey: string
  readonly line: Line
  readonly onLine: (line: Partial<Line>) => void
  /** The names of a row and of a column: `token`, `channel`. */
  readonly axes: readonly [row: string, column: string]
  /** The texts of the tokens, if rows are tokens. */
  readonly texts: readonly string[] | undefined
  readonly rows: number
  readonly columns: number
  /** Whether a row has a value for each entry of the vocabulary. */
  readonly isLogits: boolean
}

/** How many values a row of the table has. */
const WIDTH = 8

/** A table with the values of one row or column of the map, some at a time. */
export function LineValues(props: LineValuesProps) {
  const { client, request, requestKey, line, onLine, axes, texts, rows, columns, isLogits } = props
  const [from, setFrom] = useState(0)
  const isRow = line.axis === 'row'
  const at = isRow ? line.row : line.column
  const order = line.order ?? (isLogits && isRow ? 'largest' : 'place')
  const own = `${requestKey} ${line.axis} ${at} ${order}`
  useEffect(() => setFrom(0), [own])
  const answer = useAnswer<Row>(
    client,
    'row',
    { ...request, line: { axis: line.axis, at }, order, from },
    `${own} ${from}`,
  )
  const [name, other] = isRow ? axes : [axes[1], axes[0]]
  const count = isRow ? rows : columns
  const capital = `${name[0].toUpperCase()}${name.slice(1)}`
  return (
    <section aria-labelledby="line-title">
      <h3 id="line-title">
        {`${capital} ${at}${isRow && texts ? ` “${texts[at]}”` : ''}`} <small>values</small>
      </h3>
      <div class="toolbar">
        <Switch
          legend="Which values"
          name="line-axis"
          options={(['row', 'column'] as const).map((axis, i) => [axis, `one ${axes[i]}`] as const)}
          chosen={line.axis}
          onChoose={axis => onLine({ axis })}
        />
        {count > 1 && (
          <label>
            {isRow ? 'row' : name}
            <input
              type="number"
              min={0}
              max={count - 1}
              value={at}
              onChange={event => {
                const chosen = Math.min(count - 1, Math.max(0, event.currentTarget.valueAsNumber || 0))
                onLine(isRow ? { row: chosen } : { column: chosen })
              }}
            />
            <span class="hint">of {grouped(count)}</span>
          </label>
        )}
        <label>
          order
          <select value={order} onChange={event => onLine({ order: event.currentTarget.value as LineOrder })}>
            <option value="place">by {isLogits && isRow ? 'token id' : other}</option>
            <option value="magnitude">{request.isCompared ? 'largest difference' : 'largest magnitude'} first</option>
            <option value="largest">{request.isCompared ? 'largest increase' : 'largest'} first</option>
          </select>
        </label>
      </div>
      <Waiting
        answer={answer}
        show={row => (
          <>
            {row.compared ? (
              <Compared row={row} name={other} texts={isRow ? undefined : texts} />
            ) : (
              <Plain row={row} order={order} name={other} />
            )}
            <Pages row={row} onFrom={setFrom} />
          </>
        )}
      />
    </section>
  )
}

function Plain({
  row: { indices, values, largest, tokens },
  order,
  name,
}: {
  row: Row
  order: LineOrder
  name: string
}) {
  const numbers = values.map(numberOf)
  const text = sameDecimals(numbers)
  const lines = Array.from({ length: Math.ceil(indices.length / WIDTH) }, (_, i) => i * WIDTH)
  const ordinal = indices.map((_, i) => i)
  return (
    <Scrolling label="Values">
      <table class="numbers row-values">
        <caption class="hidden">Values by {name}</caption>
        {order === 'place' && (
          <thead>
            <tr>
              <th scope="col">{name}</th>
              {ordinal.slice(0, WIDTH).map(i => (
                <th key={i} scope="col">
                  +{i}
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {lines.map(start => (
            <tr key={start}>
              {order === 'place' && <th scope="row">{indices[start]}</th>}
              {ordinal.slice(start, start + WIDTH).map(i => (
                <td
                  key={i}
                  data-place={indices[i]}
                  style={signedBackground(numbers[i], largest)}
                  title={tokens && `id ${indices[i]}`}
                >
                  {tokens ? (
                    <small class="token-text">{tokenText(tokens[i])}</small>
                  ) : (
                    order !== 'place' && <small>{indices[i]}</small>
                  )}
                  {text(numbers[i])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolling>
  )
}

function Compared({
  row: { indices, values, largest, compared, tokens },
  name,
  texts,
}: {
  row: Row
  name: string
  texts: readonly string[] | undefined
}) {
  const [before, after] = [compared!.unedited.map(numberOf), values.map(numberOf)]
  const change = compared!.difference?.map(numberOf)
  const text = sameDecimals([...before, ...after])
  const changed = sameDecimals(change ?? [])
  return (
    <Scrolling label="Values" isTall>
      <table class="numbers compared-values">
        <caption class="hidden">Values by {name}, unedited and edited</caption>
        <thead>
          <tr>
            <th scope="col">{name}</th>
            <th scope="col">unedited</th>
            <th scope="col">edited</th>
            <th scope="col">difference</th>
          </tr>
        </thead>
        <tbody>
          {indices.map((index, i) => (
            <tr key={index} data-place={index}>
              <th scope="row">
                {index}
                {texts ? ` ${texts[index]}` : ''}
                {tokens && (
                  <>
                    {' '}
                    <span class="token-text">{tokenText(tokens[i])}</span>
                  </>
                )}
              </th>
              <td>{text(before[i])}</td>
              <td>{text(after[i])}</td>
              <td style={change && signedBackground(change[i], largest)}>
                {change ? `${change[i] > 0 ? '+' : ''}${changed(change[i])}` : '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolling>
  )
}

function Pages({ row: { count, from, indices }, onFrom }: { row: Row; onFrom: (from: number) => void }) {
  if (indices.length === count) return null
  const end = from + indices.length
  return (
    <div class="toolbar pages">
      <button type="button" disabled={from === 0} onClick={() => onFrom(Math.max(0, from - 128))}>
        Previous
      </button>
      <span>
        {grouped(from)} to {grouped(end - 1)} of {grouped(count)}
      </span>
      <button type="button" disabled={end >= count} onClick={() => onFrom(end)}>
        Next
      </button>
    </div>
  )
}
