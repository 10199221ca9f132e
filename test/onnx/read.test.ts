import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import test, { type ExecutionContext } from 'ava'
import { load } from 'onnsight'
import { buildGraph } from '#dist/runtime/onnx/graph/graph.js'
import { readModel } from '#dist/runtime/onnx/reading/read.js'
import {
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataLocation,
  type TensorProtoSchema,
} from '#dist/runtime/onnx/schema/onnx_pb.js'
import { temporaryFolder } from './written.ts'

const float = (values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer)
const twos = Array<number>(512).fill(2)
const threes = Array<number>(512).fill(3)

/** Writes a model that computes y = x * w with the given w. */
async function writeProduct(
  t: ExecutionContext,
  w: MessageInitShape<typeof TensorProtoSchema>,
  node: MessageInitShape<typeof NodeProtoSchema> = {},
  file?: Uint8Array,
): Promise<string> {
  const type = { value: { case: 'tensorType' as const, value: { elemType: 1, shape: { dim: [{ value: dim }] } } } }
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ version: 17n }],
    graph: {
      name: 'product',
      node: [{ opType: 'Mul', input: ['x', 'w'], output: ['y'], ...node }],
      initializer: [{ name: 'w', dims: [512n], dataType: 1, ...w }],
      input: [{ name: 'x', type }],
      output: [{ name: 'y', type }],
    },
  })
  const folder = await temporaryFolder(t)
  if (file) await writeFile(join(folder, 'w.data'), file)
  await writeFile(join(folder, 'product.onnx'), toBinary(ModelProtoSchema, model))
  return join(folder, 'product.onnx')
}
const dim = { case: 'dimValue' as const, value: 512n }

async function firstOutput(path: string): Promise<number> {
  const model = await load(path)
  const { y } = await model.run({ x: twos })
  await model.release()
  return y.data[0] as number
}

test('a payload beside an explicit data_location of DEFAULT, as onnx.save leaves it, is read', async t => {
  const path = await writeProduct(t, { rawData: float(threes), dataLocation: TensorProto_DataLocation.DEFAULT })
  t.is(await firstOutput(path), 6)
})

test('float_data is read where it lies', async t => {
  t.is(await firstOutput(await writeProduct(t, { floatData: threes })), 6)
})

test('external data comes before a payload that was left beside it', async t => {
  const path = await writeProduct(
    t,
    {
      rawData: float(twos),
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: [{ key: 'location', value: 'w.data' }],
    },
    {},
    float(threes),
  )
  t.is(await firstOutput(path), 6)
})

test('a name that is made up for a node is not written into the message that was read', async t => {
  const { message } = await readModel(await writeProduct(t, { rawData: float(threes) }))
  const [node] = buildGraph(message).nodes
  t.is(node.name, 'Mul_0')
  t.is(node.proto.name, 'Mul_0')
  t.is(message.graph?.node[0].name, '')
})
