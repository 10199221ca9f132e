import type { StoredDtype } from './float.ts'
import type { PlaceStatistics } from './statistics.ts'

/** The rows of one shard, as they are stored. */
export interface ShardRows {
  readonly rows: number
  /** The number of each row's document in the source. */
  readonly document: Int32Array
  /** The position of each row's token in its document; -1 for a row of a whole document. */
  readonly position: Int32Array
  /** The id of each row's token; -1 for a row without one. */
  readonly token: Int32Array
  readonly places: readonly PlaceRows[]
}

/** The rows of one place. */
export interface PlaceRows {
  readonly name: string
  readonly dtype: StoredDtype
  /** The dims of one row. */
  readonly shape: readonly number[]
  /** float32 numbers, or the bits of float16 and bfloat16. */
  readonly data: Float32Array | Uint16Array
}

/** A place of a harvest, and how its rows are stored. */
export interface IndexedPlace {
  /** Its name, and that of the tensor or column with its rows. */
  readonly name: string
  readonly dtype: StoredDtype
  /** The dims of one row. */
  readonly shape: readonly number[]
}

/** What a shard says of itself, so that the index can be made again from the shards. */
export interface ShardInfo {
  readonly version: 1
  /** The harvest that it belongs to. */
  readonly harvest: string
  readonly number: number
  readonly rows: number
  /** The number of documents that begin in it. */
  readonly documents: number
  /** Where the next shard begins: a document, and the first token of it that is not in this shard. */
  readonly next: { readonly document: number; readonly token: number }
  readonly statistics: readonly PlaceStatistics[]
}

export type ShardFormat = 'safetensors' | 'parquet' | 'arrow'

export const SHARD_FORMATS: readonly ShardFormat[] = ['safetensors', 'parquet', 'arrow']

/** The columns beside the places. */
export const COLUMNS = ['document', 'position', 'token'] as const

/**
 * Whether the places of a shard lie before its columns of int32: numbers of 4 bytes do, and those of 2 bytes lie behind, so that all elements
 * begin at a multiple of their size.
 */
export const placesComeFirst = (dtype: StoredDtype): boolean => dtype === 'float32'

export const shardName = (number: number, format: ShardFormat): string =>
  `shard-${String(number).padStart(6, '0')}.${format}`

/** The number of a shard, by the name of its file; undefined for another file. */
export function shardNumber(name: string): number | undefined {
  const found = /^shard-(\d{6,})\.(safetensors|parquet|arrow)$/.exec(name)
  return found ? Number(found[1]) : undefined
}
