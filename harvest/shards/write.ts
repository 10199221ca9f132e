import { storedParts } from '../../runtime/tensor-files/safetensors.ts'
import { arrowLibrary } from '../sources/tables.ts'
import { BLOCK_BYTES } from '../store/write-direct.ts'
import { arrowBytes } from './arrow.ts'
import { parquetBytes, parquetWriter } from './parquet.ts'
import { COLUMNS, placesComeFirst, type ShardFormat, type ShardInfo, type ShardRows } from './shard.ts'

/** Checks before a run that shards can be written in a format. @throws MissingPackageError */
export async function checkFormat(format: ShardFormat): Promise<void> {
  if (format === 'parquet') await parquetWriter()
  if (format === 'arrow') await arrowLibrary()
}

/** The name of a shard's description in its file's metadata. */
export const INFO = 'onnsight'

/** The bytes of a shard. */
export async function shardParts(format: ShardFormat, shard: ShardRows, info: ShardInfo): Promise<Uint8Array[]> {
  const metadata = { [INFO]: JSON.stringify(info) }
  if (format === 'parquet') return parquetBytes(shard, metadata)
  if (format === 'arrow') return arrowBytes(shard, metadata)
  const columns = COLUMNS.map(name => ({ name, dtype: 'I32', dims: [shard.rows], data: shard[name] }))
  const places = shard.places.map(({ name, dtype, shape, data }) => ({
    name,
    dtype: { float32: 'F32', float16: 'F16', bfloat16: 'BF16' }[dtype],
    dims: [shard.rows, ...shape],
    data,
  }))
  const parts = placesComeFirst(shard.places[0].dtype) ? [...places, ...columns] : [...columns, ...places]
  return storedParts(parts, metadata, BLOCK_BYTES)
}
