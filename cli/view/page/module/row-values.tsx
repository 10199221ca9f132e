import { useState } from 'preact/hooks'
import type { Row } from '../../api.ts'
import type { Client } from '../client.ts'
import { behind } from '../parts/colours.ts'
import { alike, numberOf } from '../parts/numbers.ts'
import { Scrolling } from '../parts/scrolling.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'

interface RowValuesProps {
  readonly client: Client
  readonly request: unknown
  readonly requestKey: string
  readonly title: string
  readonly columnName: string
  readonly rows: number
  readonly row: number
  readonly onRow: (row: number) => void
}

const WIDTH = 8
const PAGE = 128

/** The values of one token, as a table. */
export function RowValues({ client, request, requestKey, title, columnName, rows, row, onRow }: RowValuesProps) {
  const answer = useAnswer<Row>(client, 'row', request, requestKey)
  const [order, setOrder] = useState<'place' | 'magnitude'>('place')
  const [page, setPage] = useState(0)
  return (
    <>
      <h3>
        {title} <small>values</small>
      </h3>
      <div class="toolbar">
        {rows > 1 && (
          <label>
            row
            <input
              type="number"
              min={0}
              max={rows - 1}
              value={row}
              onChange={event => onRow(Math.min(rows - 1, Math.max(0, event.currentTarget.valueAsNumber || 0)))}
            />
          </label>
        )}
        <label>
          order
          <select
            value={order}
            onChange={event => {
              setOrder(event.currentTarget.value as 'place' | 'magnitude')
              setPage(0)
            }}
          >
            <option value="place">by {columnName}</option>
            <option value="magnitude">largest magnitude first</option>
          </select>
        </label>
      </div>
      <Waiting
        answer={answer}
        show={({ values }) => (
          <Table values={values.map(numberOf)} order={order} page={page} onPage={setPage} columnName={columnName} />
        )}
      />
    </>
  )
}

interface TableProps {
  readonly values: readonly number[]
  readonly order: 'place' | 'magnitude'
  readonly page: number
  readonly onPage: (page: number) => void
  readonly columnName: string
}

function Table({ values, order, page, onPage, columnName }: TableProps) {
  const places = values.map((_, i) => i)
  if (order === 'magnitude') places.sort((a, b) => magnitude(values[b]) - magnitude(values[a]))
  const pages = Math.ceil(values.length / PAGE)
  const at = Math.min(page, pages - 1)
  const seen = places.slice(at * PAGE, (at + 1) * PAGE)
  const largest = Math.max(0, ...values.filter(Number.isFinite).map(Math.abs))
  const text = alike(values)
  const lines = Array.from({ length: Math.ceil(seen.length / WIDTH) }, (_, i) => seen.slice(i * WIDTH, (i + 1) * WIDTH))
  return (
    <>
      <Scrolling label="Values">
        <table class="numbers row-values">
          <caption class="hidden">Values by {columnName}</caption>
          {order === 'place' && (
            <thead>
              <tr>
                <th scope="col">{columnName}</th>
                {Array.from({ length: Math.min(WIDTH, values.length) }, (_, i) => (
                  <th key={i} scope="col">
                    +{i}
                  </th>
                ))}
              </tr>
            </thead>
          )}
          <tbody>
            {lines.map(line => (
              <tr key={line[0]}>
                {order === 'place' && <th scope="row">{line[0]}</th>}
                {line.map(place => (
                  <td key={place} data-place={place} style={behind(values[place], largest)}>
                    {order === 'magnitude' && <small>{place}</small>}
                    {text(values[place])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
      {pages > 1 && (
        <div class="toolbar pages">
          <button type="button" disabled={at === 0} onClick={() => onPage(at - 1)}>
            Previous
          </button>
          <span>
            {at + 1} of {pages}
          </span>
          <button type="button" disabled={at === pages - 1} onClick={() => onPage(at + 1)}>
            Next
          </button>
        </div>
      )}
    </>
  )
}

/** What is no number comes first: it is what one looks for. */
const magnitude = (value: number): number => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : Math.abs(value))
