import { extname } from 'node:path'
import { HarvestError } from '../../runtime/errors/harvest.ts'
import { filesOf } from './files.ts'
import type { Item, Kind, SourceFile } from './item.ts'
import { linesOf } from './lines.ts'
import { arrowRows, parquetRows } from './tables.ts'
import { tensorItems } from './tensors.ts'

/** How files are read. */
export interface Reading {
  readonly kind: Kind
  /** The field or column with the text or the ids. */
  readonly column: string
  /** The name of the model's input that the array of a .npy file is for. */
  readonly input: string
}

/** The documents of files and folders, in the order of their names. `read` counts over all files, by their sizes. */
export async function* itemsOfFiles(paths: readonly string[], reading: Reading): AsyncGenerator<Item> {
  const files = await filesOf(paths)
  const total = Math.max(
    1,
    files.reduce((sum, { size }) => sum + size, 0),
  )
  let before = 0
  for (const file of files) {
    const here = file.fetched ? { ...file, path: await file.fetched() } : file
    for await (const item of itemsOfFile(here, reading))
      yield { ...item, read: (before + file.size * (item.read ?? 0)) / total }
    before += file.size
  }
}

function itemsOfFile(file: SourceFile, reading: Reading): AsyncIterable<Item> {
  const { path } = file
  const ending = extname(path.replace(/\.gz$/, '')).toLowerCase()
  const { kind, column } = reading
  if (kind === 'tensors') {
    if (ending === '.safetensors' || ending === '.npy') return tensorItems(path, reading.input)
  } else if (ending === '.jsonl' || ending === '.ndjson') return jsonItems(file, reading)
  else if (ending === '.parquet') return tableItems(parquetRows(path, column), path, reading)
  else if (ending === '.arrow' || ending === '.feather') return tableItems(arrowRows(path, column), path, reading)
  else if (kind === 'texts' && ending === '.txt') return textItems(file)
  else if (kind === 'ids' && (ending === '.safetensors' || ending === '.npy')) return idItems(path, column)
  throw new HarvestError(
    `${path} is not read as ${kind}: its ending is ${ending === '' ? 'missing' : ending}.`,
    kind === 'tensors'
      ? 'use .safetensors or .npy files'
      : `use .jsonl, .parquet or .arrow files, or ${kind === 'texts' ? '.txt with a text in each line' : '.safetensors and .npy with a document in each row'}`,
  )
}

async function* textItems({ path, size }: SourceFile): AsyncGenerator<Item> {
  for await (const { line, bytes } of linesOf(path)) {
    if (line.trim() !== '') yield { text: line, read: bytes / Math.max(1, size) }
  }
}

async function* jsonItems({ path, size }: SourceFile, reading: Reading): AsyncGenerator<Item> {
  let number = 0
  for await (const { line, bytes } of linesOf(path)) {
    number++
    if (line.trim() === '') continue
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch (cause) {
      throw new HarvestError(`Line ${number} of ${path} is not JSON.`, 'write one JSON value in each line', cause)
    }
    const isBare = typeof value === 'string' || Array.isArray(value)
    const found = isBare ? value : (value as Record<string, unknown> | null)?.[reading.column]
    yield { ...itemOf(found, `line ${number} of ${path}`, reading), read: bytes / Math.max(1, size) }
  }
}

async function* tableItems(
  rows: AsyncIterable<{ readonly row: Readonly<Record<string, unknown>>; readonly read: number }>,
  path: string,
  reading: Reading,
): AsyncGenerator<Item> {
  let number = 0
  for await (const { row, read } of rows)
    yield { ...itemOf(row[reading.column], `row ${number++} of ${path}`, reading), read }
}

async function* idItems(path: string, column: string): AsyncGenerator<Item> {
  for await (const { inputs, read } of tensorItems(path, column)) {
    const ids = inputs?.[column] ?? Object.values(inputs ?? {})[0]
    if (ids?.dims.length !== 1)
      throw new HarvestError(`${path} has no ids: a tensor ${column} of dims [documents, tokens].`, 'check the file')
    yield { ids: Array.from(ids.data as ArrayLike<number | bigint>, Number), ...(read === undefined ? {} : { read }) }
  }
}

/** A document from a value of the user's. @throws HarvestError */
export function itemOf(value: unknown, where: string, { kind, column }: Reading): Item {
  if (kind === 'texts' && typeof value === 'string') return { text: value }
  if (kind === 'ids' && (Array.isArray(value) || ArrayBuffer.isView(value))) {
    // A list is mapped several times as fast as it is iterated.
    const ids = Array.isArray(value) ? value.map(Number) : Array.from(value as unknown as ArrayLike<number>, Number)
    if (ids.every(Number.isSafeInteger)) return { ids }
  }
  throw new HarvestError(
    `The ${kind === 'texts' ? 'text' : 'list of ids'} is missing in ${where}.`,
    `name the field that has it as \`column\`; it is looked for in ${column}`,
  )
}
