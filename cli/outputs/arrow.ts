import type * as Arrow from 'apache-arrow'
import type { Tensor } from '../../runtime/index.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import type { HeldType } from '../../runtime/tensor/dtypes/dtype.ts'
import { stateOf } from '../../runtime/tensor/tensor.ts'
import { CommandError } from '../shared/errors.ts'

/** Imports apache-arrow, which users install themselves. @throws CommandError if it is missing */
export async function arrowPackage(): Promise<typeof Arrow> {
  try {
    return await import('apache-arrow')
  } catch (error) {
    throw new CommandError(
      'Writing an .arrow file needs the package apache-arrow, which is not installed.',
      'npm install apache-arrow',
      error,
    )
  }
}

/**
 * The bytes of an Arrow file of one row. Each tensor is a column of the canonical extension type `arrow.fixed_shape_tensor`, so tensors of
 * different sizes fit into one table. The dims of a tensor are in the field's metadata: `{"shape": [1, 4, 65]}`.
 */
export async function arrowParts(tensors: Readonly<Record<string, Tensor>>): Promise<Uint8Array[]> {
  const arrow = await arrowPackage()
  const fields: Arrow.Field[] = []
  const columns: Arrow.Data[] = []
  for (const [name, tensor] of Object.entries(tensors)) {
    const computed = stateOf(tensor).data()
    const values = elementsOf(arrow, computed)
    const type = new arrow.FixedSizeList(values.length, new arrow.Field('item', values.type, false))
    const metadata = new Map([
      ['ARROW:extension:name', 'arrow.fixed_shape_tensor'],
      ['ARROW:extension:metadata', JSON.stringify({ shape: computed.dims })],
    ])
    fields.push(new arrow.Field(name, type, false, metadata))
    columns.push(arrow.makeData({ type, length: 1, nullCount: 0, child: values }))
  }
  const schema = new arrow.Schema(fields)
  const row = arrow.makeData({ type: new arrow.Struct(fields), length: 1, nullCount: 0, children: columns })
  return [arrow.tableToIPC(new arrow.Table(schema, new arrow.RecordBatch(schema, row)), 'file')]
}

function elementsOf(arrow: typeof Arrow, { type, data }: TensorData): Arrow.Data {
  if (type === 'string') return arrow.vectorFromArray(data as string[], new arrow.Utf8()).data[0]
  if (type === 'bool') return arrow.vectorFromArray(Array.from(data as Uint8Array, Boolean), new arrow.Bool()).data[0]
  return arrow.makeData({
    type: numberTypes(arrow)[type] as Arrow.Float32,
    length: data.length,
    nullCount: 0,
    data: data as Float32Array,
  })
}

function numberTypes(arrow: typeof Arrow): Readonly<Record<Exclude<HeldType, 'string' | 'bool'>, Arrow.DataType>> {
  return {
    float64: new arrow.Float64(),
    float32: new arrow.Float32(),
    float16: new arrow.Float16(),
    int64: new arrow.Int64(),
    int32: new arrow.Int32(),
    int16: new arrow.Int16(),
    int8: new arrow.Int8(),
    uint64: new arrow.Uint64(),
    uint32: new arrow.Uint32(),
    uint16: new arrow.Uint16(),
    uint8: new arrow.Uint8(),
  }
}
