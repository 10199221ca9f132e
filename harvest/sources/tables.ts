import { open } from 'node:fs/promises'
import type * as Arrow from 'apache-arrow'
import type * as Parquet from 'hyparquet'
import { HarvestError } from '../../runtime/errors/harvest.ts'
import { MissingPackageError } from '../../runtime/errors/install.ts'

/** A row of a table, with the part of the file that has been read. */
export interface TableRow {
  readonly row: Readonly<Record<string, unknown>>
  readonly read: number
}

/** Loads hyparquet, which users install themselves. @throws MissingPackageError */
export async function parquetReader(): Promise<typeof Parquet> {
  try {
    return await import('hyparquet')
  } catch (error) {
    throw new MissingPackageError('hyparquet', error, 'to read Parquet files')
  }
}

/** Loads apache-arrow, which users install themselves. @throws MissingPackageError */
export async function arrowLibrary(): Promise<typeof Arrow> {
  try {
    return await import('apache-arrow')
  } catch (error) {
    throw new MissingPackageError('apache-arrow', error, 'to read and write Arrow files')
  }
}

/** The rows that are decoded together, so that memory does not grow with the file. */
const STEP = 1000

/** The rows of a Parquet file. @throws HarvestError for a file without such a column, or packed in a way that hyparquet can't read */
export async function* parquetRows(path: string, column: string): AsyncGenerator<TableRow> {
  const { parquetMetadataAsync, parquetReadObjects, asyncBufferFromFile } = await parquetReader()
  try {
    const file = await asyncBufferFromFile(path)
    const metadata = await parquetMetadataAsync(file)
    const columns = metadata.schema.filter(({ name }) => name).map(({ name }) => name)
    if (!columns.includes(column)) throw noColumn(path, column, columns.slice(1))
    const count = Number(metadata.num_rows)
    for (let rowStart = 0; rowStart < count; rowStart += STEP) {
      const rowEnd = Math.min(count, rowStart + STEP)
      const rows = await parquetReadObjects({ file, metadata, columns: [column], rowStart, rowEnd })
      for (const [i, row] of rows.entries()) yield { row, read: (rowStart + i + 1) / count }
    }
  } catch (cause) {
    if (cause instanceof HarvestError) throw cause
    throw new HarvestError(
      `${path} can’t be read as Parquet: ${(cause as Error).message}`,
      'write it again with no compression or snappy',
      cause,
    )
  }
}

/** The rows of an Arrow file, or of a stream of record batches, one batch in memory at a time. */
export async function* arrowRows(path: string, column: string): AsyncGenerator<TableRow> {
  const { RecordBatchReader } = await arrowLibrary()
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const reader = await RecordBatchReader.from(file)
    await reader.open()
    const columns = reader.schema.fields.map(({ name }) => name)
    if (!columns.includes(column)) throw noColumn(path, column, columns)
    let bytes = 0
    for await (const batch of reader) {
      const values = batch.getChild(column)!
      bytes += batch.data.byteLength
      for (let i = 0; i < values.length; i++)
        yield { row: { [column]: plain(values.get(i)) }, read: Math.min(1, bytes / Math.max(1, size)) }
    }
  } catch (cause) {
    if (cause instanceof HarvestError || cause instanceof MissingPackageError) throw cause
    throw new HarvestError(`${path} can’t be read as Arrow: ${(cause as Error).message}`, 'check the file', cause)
  } finally {
    await file.close().catch(() => undefined)
  }
}

/** A list of Arrow is a vector. */
const plain = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && Symbol.iterator in value ? [...(value as Iterable<unknown>)] : value

const noColumn = (path: string, column: string, columns: readonly string[]): HarvestError =>
  new HarvestError(
    `${path} has no column ${column}.`,
    `name one of its columns as \`column\`: ${columns.slice(0, 12).join(', ')}`,
  )
