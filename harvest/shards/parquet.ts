import type * as Writer from 'hyparquet-writer'
import { MissingPackageError } from '../../runtime/errors/install.ts'
import { sizeOf } from '../../runtime/tensor/dtypes/data.ts'
import { COLUMNS, type ShardRows } from './shard.ts'

/** Loads hyparquet-writer, which users install themselves. @throws MissingPackageError */
export async function parquetWriter(): Promise<typeof Writer> {
  try {
    return await import('hyparquet-writer')
  } catch (error) {
    throw new MissingPackageError('hyparquet-writer', error, 'to write Parquet files')
  }
}

/** A shard as a Parquet file. A row of a place is one value of its bytes: lists of numbers take fifteen times as long to write. */
export async function parquetBytes(
  shard: ShardRows,
  metadata: Readonly<Record<string, string>>,
): Promise<Uint8Array[]> {
  const { parquetWriteBuffer } = await parquetWriter()
  const columns = COLUMNS.map(name => ({ name, data: shard[name] }))
  const places = shard.places.map(({ name, data }) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    const length = bytes.length / shard.rows
    return { name, data: Array.from({ length: shard.rows }, (_, i) => bytes.subarray(i * length, (i + 1) * length)) }
  })
  const buffer = parquetWriteBuffer({
    columnData: [...columns, ...places],
    schema: [
      { name: 'root', num_children: columns.length + places.length },
      ...columns.map(({ name }) => ({ name, type: 'INT32' as const, repetition_type: 'REQUIRED' as const })),
      ...shard.places.map(({ name, shape, data }) => ({
        name,
        type: 'FIXED_LEN_BYTE_ARRAY' as const,
        type_length: sizeOf(shape) * data.BYTES_PER_ELEMENT,
        repetition_type: 'REQUIRED' as const,
      })),
    ],
    // Activations do not shrink, and their least and largest bytes mean nothing.
    codec: 'UNCOMPRESSED',
    statistics: false,
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  })
  return [new Uint8Array(buffer)]
}
