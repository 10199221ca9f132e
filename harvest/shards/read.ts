import { HarvestError } from '../../runtime/errors/harvest.ts'
import { sizeOf } from '../../runtime/tensor/dtypes/data.ts'
import { arrowLibrary, parquetReader } from '../sources/tables.ts'
import type { Store } from '../store/store.ts'
import {
  COLUMNS,
  type IndexedPlace,
  type PlaceRows,
  type ShardFormat,
  type ShardInfo,
  type ShardRows,
  shardName,
} from './shard.ts'
import { INFO } from './write.ts'

/** Reads what a shard says of itself; for safetensors from its first bytes. Undefined if there is no such shard. @throws HarvestError */
export async function readInfo(store: Store, number: number, format: ShardFormat): Promise<ShardInfo | undefined> {
  const name = shardName(number, format)
  if (format !== 'safetensors') {
    const bytes = await store.get(name)
    return bytes && infoOf(await metadataOf(bytes, format), `${store.name}/${name}`)
  }
  const first = await store.start(name, 2 ** 16)
  if (!first) return undefined
  const length = headerLength(first, `${store.name}/${name}`)
  const start = 8 + length <= first.length ? first : (await store.start(name, 8 + length))!
  const header = JSON.parse(Buffer.from(start.subarray(8, 8 + length)).toString()) as SafetensorsHeader
  return infoOf(header.__metadata__, `${store.name}/${name}`)
}

interface SafetensorsHeader {
  readonly __metadata__?: Readonly<Record<string, string>>
  readonly [name: string]: unknown
}

function headerLength(bytes: Uint8Array, where: string): number {
  const length = bytes.length < 8 ? 0 : Number(Buffer.from(bytes.buffer, bytes.byteOffset, 8).readBigUInt64LE())
  if (length === 0 || length > 2 ** 27) throw new HarvestError(`${where} is no shard.`, 'remove it and harvest again')
  return length
}

function infoOf(metadata: Readonly<Record<string, string>> | undefined, where: string): ShardInfo {
  const text = metadata?.[INFO]
  if (text === undefined)
    throw new HarvestError(`${where} is no shard of a harvest.`, 'remove it, or choose another folder')
  return JSON.parse(text) as ShardInfo
}

async function metadataOf(bytes: Uint8Array, format: ShardFormat): Promise<Record<string, string>> {
  if (format === 'arrow') {
    const { tableFromIPC } = await arrowLibrary()
    return Object.fromEntries(tableFromIPC(bytes).schema.metadata)
  }
  const { parquetMetadata } = await parquetReader()
  const entries = parquetMetadata(exact(bytes)).key_value_metadata ?? []
  return Object.fromEntries(entries.map(({ key, value }) => [key, value ?? '']))
}

/** An ArrayBuffer of these bytes alone. */
const exact = (bytes: Uint8Array): ArrayBuffer =>
  bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer

/** Reads the rows of a shard. @throws HarvestError if it is missing */
export async function readShard(
  store: Store,
  number: number,
  format: ShardFormat,
  places: readonly IndexedPlace[],
): Promise<ShardRows> {
  const name = shardName(number, format)
  const bytes = await store.get(name)
  if (!bytes)
    throw new HarvestError(`The shard ${name} is missing in ${store.name}.`, 'harvest again: what is there is kept')
  if (format === 'parquet') return fromParquet(bytes, places)
  if (format === 'arrow') return fromArrow(bytes, places)
  return fromSafetensors(bytes, places, `${store.name}/${name}`)
}

function fromSafetensors(bytes: Uint8Array, places: readonly IndexedPlace[], where: string): ShardRows {
  const length = headerLength(bytes, where)
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString()) as Record<
    string,
    { readonly shape: readonly number[]; readonly data_offsets: readonly [number, number] }
  >
  const part = (name: string): ArrayBuffer => {
    const [from, to] = header[name].data_offsets
    return exact(bytes.subarray(8 + length + from, 8 + length + to))
  }
  return {
    rows: header.document.shape[0],
    ...(Object.fromEntries(COLUMNS.map(name => [name, new Int32Array(part(name))])) as Columns),
    places: places.map(place => placeRows(place, part(place.name))),
  }
}

type Columns = Pick<ShardRows, (typeof COLUMNS)[number]>

const placeRows = ({ name, dtype, shape }: IndexedPlace, buffer: ArrayBuffer): PlaceRows => ({
  name,
  dtype,
  shape,
  data: dtype === 'float32' ? new Float32Array(buffer) : new Uint16Array(buffer),
})

async function fromParquet(bytes: Uint8Array, places: readonly IndexedPlace[]): Promise<ShardRows> {
  const { parquetReadObjects } = await parquetReader()
  const rows = (await parquetReadObjects({
    file: exact(bytes),
    columns: [...COLUMNS, ...places.map(({ name }) => name)],
    utf8: false,
  })) as Record<string, number | Uint8Array>[]
  return {
    rows: rows.length,
    ...(Object.fromEntries(COLUMNS.map(name => [name, Int32Array.from(rows, row => row[name] as number)])) as Columns),
    places: places.map(place => {
      const length = sizeOf(place.shape) * (place.dtype === 'float32' ? 4 : 2)
      const all = new Uint8Array(rows.length * length)
      for (const [i, row] of rows.entries()) all.set(row[place.name] as Uint8Array, i * length)
      return placeRows(place, all.buffer)
    }),
  }
}

async function fromArrow(bytes: Uint8Array, places: readonly IndexedPlace[]): Promise<ShardRows> {
  const { tableFromIPC } = await arrowLibrary()
  const [batch] = tableFromIPC(bytes).batches
  const column = (name: string): Int32Array => (batch.getChild(name)!.toArray() as Int32Array).slice()
  return {
    rows: batch.numRows,
    ...(Object.fromEntries(COLUMNS.map(name => [name, column(name)])) as Columns),
    places: places.map(place => {
      const values = batch.getChild(place.name)!.data[0].children[0].values as Uint8Array
      const length = batch.numRows * sizeOf(place.shape) * (place.dtype === 'float32' ? 4 : 2)
      return placeRows(place, exact(new Uint8Array(values.buffer, values.byteOffset, length)))
    }),
  }
}
