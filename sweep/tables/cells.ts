import { SweepError } from '../../runtime/errors/sweep.ts'
import { OWN_COLUMNS, type SweepRow } from '../rows/row.ts'

/** A cell of a table. */
export type Cell = number | string | boolean | null

/** A table: its columns, of which the first `axes` after the index are axes, and its rows. */
export interface Cells {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

/** Names that say of a column whether it is an axis or a measure. */
const MEASURE = 'value.'

/** The rows of a sweep as cells. Values of axes that are lists or objects become JSON. @throws SweepError for an axis with a taken name */
export function cellsOf(rows: readonly SweepRow[]): Cells {
  const axes = [...new Set(rows.flatMap(({ point }) => Object.keys(point)))]
  const taken = axes.find(axis => (OWN_COLUMNS as readonly string[]).includes(axis) || axis.startsWith(MEASURE))
  if (taken !== undefined)
    throw new SweepError(`The axis ${taken} has the name of a column of every table.`, 'call it something else')
  const measures = [...new Set(rows.flatMap(({ values }) => Object.keys(values)))]
  return {
    columns: ['index', ...axes, ...measures.map(name => MEASURE + name), 'error', 'seconds', 'run'],
    rows: rows.map(({ index, point, values, error, seconds, run }) => [
      index,
      ...axes.map(axis => cellOf(point[axis])),
      ...measures.map(name => values[name] ?? null),
      error ?? null,
      seconds,
      run ? JSON.stringify(run) : null,
    ]),
  }
}

function cellOf(value: unknown): Cell {
  if (value === undefined || value === null) return null
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value === 'boolean') return value
  // A text that looks like JSON is written as JSON, so that it is read as a text again.
  if (typeof value === 'string') return isBare(value) ? value : JSON.stringify(value)
  return JSON.stringify(value)
}

const isBare = (text: string): boolean => {
  try {
    JSON.parse(text)
    return false
  } catch {
    return true
  }
}

/** The value of a cell as it was: cells of tables that hold only texts are read by their form. */
function readCell(cell: Cell): unknown {
  if (typeof cell !== 'string') return cell
  try {
    return JSON.parse(cell) as unknown
  } catch {
    return cell
  }
}

/** The rows of a sweep of cells. @throws SweepError for a table of something else */
export function rowsOfCells({ columns, rows }: Cells, file: string): SweepRow[] {
  if (!OWN_COLUMNS.every(name => columns.includes(name)))
    throw new SweepError(`${file} is not the table of a sweep.`, 'name another file')
  return rows.map(cells => {
    const point: Record<string, unknown> = {}
    const values: Record<string, number> = {}
    const own: Record<string, Cell> = {}
    for (const [i, name] of columns.entries()) {
      const cell = cells[i] === '' ? null : cells[i]
      if ((OWN_COLUMNS as readonly string[]).includes(name)) own[name] = cell
      else if (!name.startsWith(MEASURE)) point[name] = readCell(cell)
      else if (cell !== null) values[name.slice(MEASURE.length)] = Number(cell)
    }
    return {
      index: Number(own.index),
      point,
      values,
      seconds: Number(own.seconds),
      ...(own.error === null ? {} : { error: String(own.error) }),
      ...(own.run === null ? {} : { run: JSON.parse(String(own.run)) as NonNullable<SweepRow['run']> }),
    }
  })
}
