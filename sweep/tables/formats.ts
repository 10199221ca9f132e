import { extname } from 'node:path'
import type * as Arrow from 'apache-arrow'
import { parquetWriter } from '../../harvest/shards/parquet.ts'
import { arrowLibrary, parquetReader } from '../../harvest/sources/tables.ts'
import { SweepError } from '../../runtime/errors/sweep.ts'
import type { Cell, Cells } from './cells.ts'

/** How a table is written and read. */
interface Format {
  /** Checks that the format can be written. @throws MissingPackageError */
  check(): Promise<unknown>
  write(cells: Cells): Promise<Uint8Array>
  read(bytes: Uint8Array): Promise<Cells>
}

const csv: Format = {
  async check() {},
  async write({ columns, rows }) {
    const { default: papaparse } = await import('papaparse')
    return Buffer.from(
      `${papaparse.unparse({ fields: [...columns], data: rows.map(row => [...row]) }, { newline: '\n' })}\n`,
    )
  },
  async read(bytes) {
    const { default: papaparse } = await import('papaparse')
    const { data } = papaparse.parse<string[]>(Buffer.from(bytes).toString(), { skipEmptyLines: true })
    const [columns = [], ...rows] = data
    return { columns, rows }
  },
}

const jsonl: Format = {
  async check() {},
  async write({ columns, rows }) {
    const lines = rows.map(row => JSON.stringify(Object.fromEntries(columns.map((name, i) => [name, written(row[i])]))))
    return Buffer.from(lines.map(line => `${line}\n`).join(''))
  },
  async read(bytes) {
    const objects = Buffer.from(bytes)
      .toString()
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Record<string, Cell>)
    const columns = [...new Set(objects.flatMap(Object.keys))]
    return { columns, rows: objects.map(one => columns.map(name => one[name] ?? null)) }
  },
}

/** JSON has no NaN and no infinities. */
const written = (cell: Cell): Cell => (typeof cell === 'number' && !Number.isFinite(cell) ? String(cell) : cell)

const arrow: Format = {
  check: arrowLibrary,
  async write({ columns, rows }) {
    const { tableToIPC, Table, vectorFromArray, Float64, Utf8 } = await arrowLibrary()
    const vectors = columns.map((name, i) => {
      const cells = rows.map(row => row[i])
      const vector: Arrow.Vector = isNumeric(cells)
        ? vectorFromArray(cells as (number | null)[], new Float64())
        : vectorFromArray(cells.map(textOf), new Utf8())
      return [name, vector] as const
    })
    return tableToIPC(new Table(Object.fromEntries(vectors)), 'file')
  },
  async read(bytes) {
    const { tableFromIPC } = await arrowLibrary()
    const table = tableFromIPC(bytes)
    const columns = table.schema.fields.map(({ name }) => name)
    return { columns, rows: table.toArray().map(row => columns.map(name => row[name] as Cell)) }
  },
}

const parquet: Format = {
  check: parquetWriter,
  async write({ columns, rows }) {
    const { parquetWriteBuffer } = await parquetWriter()
    const columnData = columns.map((name, i) => {
      const cells = rows.map(row => row[i])
      return isNumeric(cells)
        ? { name, data: cells, type: 'DOUBLE' as const }
        : { name, data: cells.map(textOf), type: 'STRING' as const }
    })
    return new Uint8Array(parquetWriteBuffer({ columnData }))
  },
  async read(bytes) {
    const { parquetReadObjects, parquetSchema, parquetMetadata } = await parquetReader()
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
    const columns = parquetSchema(parquetMetadata(file)).children.map(({ element }) => element.name)
    const rows = await parquetReadObjects({ file })
    return { columns, rows: rows.map(row => columns.map(name => (row[name] ?? null) as Cell)) }
  },
}

const isNumeric = (cells: readonly Cell[]): boolean => cells.every(cell => cell === null || typeof cell === 'number')
const textOf = (cell: Cell): string | null => (cell === null ? null : String(cell))

const formats: Readonly<Record<string, Format>> = {
  '.csv': csv,
  '.jsonl': jsonl,
  '.arrow': arrow,
  '.parquet': parquet,
}

/** The format of a table, by the ending of its file. @throws SweepError for another ending */
export function formatOf(file: string): Format {
  const format = formats[extname(file).toLowerCase()]
  if (format) return format
  throw new SweepError(`The ending of ${file} says no form of table.`, `end it with ${Object.keys(formats).join(', ')}`)
}
