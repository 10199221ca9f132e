import { sizeOf } from '../../runtime/tensor/dtypes/data.ts'
import { arrowLibrary } from '../sources/tables.ts'
import { COLUMNS, type ShardRows } from './shard.ts'

/** A shard as an Arrow file: each place is a column of lists of one length, with the dims of a row in the field's metadata. */
export async function arrowBytes(shard: ShardRows, metadata: Readonly<Record<string, string>>): Promise<Uint8Array[]> {
  const arrow = await arrowLibrary()
  const { rows: length } = shard
  const numbers = COLUMNS.map(name => ({
    field: new arrow.Field(name, new arrow.Int32(), false),
    data: arrow.makeData({ type: new arrow.Int32(), length, nullCount: 0, data: shard[name] }),
  }))
  const places = shard.places.map(({ name, dtype, shape, data }) => {
    // Arrow has no bfloat16, so its bits are whole numbers.
    const item = { float32: new arrow.Float32(), float16: new arrow.Float16(), bfloat16: new arrow.Uint16() }[dtype]
    const type = new arrow.FixedSizeList(sizeOf(shape), new arrow.Field('item', item, false))
    const child = arrow.makeData({
      type: item as InstanceType<typeof arrow.Float32>,
      length: data.length,
      nullCount: 0,
      data: data as Float32Array,
    })
    const about = new Map([
      ['ARROW:extension:name', 'arrow.fixed_shape_tensor'],
      ['ARROW:extension:metadata', JSON.stringify({ shape })],
      ['dtype', dtype],
    ])
    return {
      field: new arrow.Field(name, type, false, about),
      data: arrow.makeData({ type, length, nullCount: 0, child }),
    }
  })
  const all = [...numbers, ...places]
  const schema = new arrow.Schema(
    all.map(({ field }) => field),
    new Map(Object.entries(metadata)),
  )
  const row = arrow.makeData({
    type: new arrow.Struct(schema.fields),
    length,
    nullCount: 0,
    children: all.map(({ data }) => data),
  })
  return [arrow.tableToIPC(new arrow.Table(schema, new arrow.RecordBatch(schema, row)), 'file')]
}
