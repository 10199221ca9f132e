import { appendFile, readFile, rm } from 'node:fs/promises'
import { replaceFiles } from '../../runtime/onnx/files/replace-files.ts'
import { keyOf } from '../rows/points.ts'
import type { SweepRow } from '../rows/row.ts'
import { cellsOf, rowsOfCells } from './cells.ts'
import { formatOf } from './formats.ts'

/** How often the table is written while the sweep runs. Each row is in the log before. */
const WRITE_MS = 2000

/**
 * The file of a table that grows. Each row is first a line of a log beside it, which is there until the sweep ends; the table is written anew now and
 * then, whole or not at all.
 */
export class TableFile {
  readonly #path: string
  readonly #rows = new Map<string, SweepRow>()
  #written = 0

  private constructor(path: string, rows: readonly SweepRow[]) {
    this.#path = path
    for (const row of rows) this.#rows.set(keyOf(row.point), row)
  }

  /** Opens a table, with the rows that are there. @throws SweepError */
  static async open(path: string): Promise<TableFile> {
    await formatOf(path).check()
    const [stored, logged] = [await read(path), await read(logOf(path))]
    const rows = stored ? await rowsIn(path, stored) : []
    return new TableFile(path, [...rows, ...linesIn(logged)])
  }

  /** The rows, in the order of their numbers. */
  get rows(): readonly SweepRow[] {
    return [...this.#rows.values()].sort((a, b) => a.index - b.index)
  }

  async add(row: SweepRow): Promise<void> {
    this.#rows.set(keyOf(row.point), row)
    // A line that was begun when the process ended is closed by the next.
    await appendFile(logOf(this.#path), `\n${lineOf(row)}\n`)
    if (performance.now() - this.#written > WRITE_MS) await this.#write()
  }

  /** Writes the whole table, after which the log is not needed: the rows of this sweep, then those of other points that were there. */
  async finish(rows: readonly SweepRow[]): Promise<void> {
    const own = new Set(rows.map(({ point }) => keyOf(point)))
    const others = this.rows.filter(({ point }) => !own.has(keyOf(point)))
    this.#rows.clear()
    for (const [index, row] of [...rows, ...others].entries()) this.#rows.set(keyOf(row.point), { ...row, index })
    await this.#write()
    await rm(logOf(this.#path), { force: true })
  }

  async #write(): Promise<void> {
    const bytes = await formatOf(this.#path).write(cellsOf(this.rows))
    await replaceFiles([{ path: this.#path, parts: [bytes] }])
    this.#written = performance.now()
  }
}

const logOf = (path: string): string => `${path}.log`

async function read(path: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}

export async function rowsIn(path: string, bytes: Uint8Array): Promise<SweepRow[]> {
  return rowsOfCells(await formatOf(path).read(bytes), path)
}

/** The whole lines of a log. */
function linesIn(bytes: Uint8Array | undefined): SweepRow[] {
  if (!bytes) return []
  return Buffer.from(bytes)
    .toString()
    .split('\n')
    .flatMap(line => {
      try {
        return line === '' ? [] : [rowOfLine(line)]
      } catch {
        return []
      }
    })
}

/** JSON has no NaN and no infinities. */
const lineOf = (row: SweepRow): string =>
  JSON.stringify({
    ...row,
    values: Object.fromEntries(Object.entries(row.values).map(([name, one]) => [name, String(one)])),
  })

function rowOfLine(line: string): SweepRow {
  const row = JSON.parse(line) as SweepRow
  return { ...row, values: Object.fromEntries(Object.entries(row.values).map(([name, one]) => [name, Number(one)])) }
}
