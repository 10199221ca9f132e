import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import * as schema from '#dist/runtime/onnx/schema/onnx_pb.js'

const WIDTH = 1024
const LAYERS = 12

/** Writes a model of layers `layers.0` and so on, each a product with 4 MiB of weights. */
export async function writeWide(folder: string): Promise<{ path: string; bytes: number }> {
  const node: schema.NodeProto[] = []
  const initializer: schema.TensorProto[] = []
  for (let layer = 0; layer < LAYERS; layer++) {
    const weights = Float32Array.from({ length: WIDTH * WIDTH }, (_, i) => Math.sin(i + layer) / 32)
    const [from, product, to] = [
      layer === 0 ? 'x' : `h${layer - 1}`,
      `p${layer}`,
      layer === LAYERS - 1 ? 'y' : `h${layer}`,
    ]
    const name = `layers.${layer}.weight`
    initializer.push(
      create(schema.TensorProtoSchema, {
        name,
        dims: [BigInt(WIDTH), BigInt(WIDTH)],
        dataType: 1,
        rawData: new Uint8Array(weights.buffer),
      }),
    )
    node.push(
      create(schema.NodeProtoSchema, {
        name: `/layers.${layer}/MatMul`,
        opType: 'MatMul',
        input: [from, name],
        output: [product],
      }),
      create(schema.NodeProtoSchema, { name: `/layers.${layer}/Tanh`, opType: 'Tanh', input: [product], output: [to] }),
    )
  }
  const edge = (name: string) => ({
    name,
    type: {
      value: {
        case: 'tensorType' as const,
        value: {
          elemType: 1,
          shape: {
            dim: [
              { value: { case: 'dimParam' as const, value: 'rows' } },
              { value: { case: 'dimValue' as const, value: BigInt(WIDTH) } },
            ],
          },
        },
      },
    },
  })
  const graph = { name: 'wide', node, initializer, input: [edge('x')], output: [edge('y')] }
  const model = create(schema.ModelProtoSchema, { irVersion: 9n, opsetImport: [{ domain: '', version: 17n }], graph })
  const path = join(folder, 'wide.onnx')
  await writeFile(path, toBinary(schema.ModelProtoSchema, model))
  return { path, bytes: LAYERS * WIDTH * WIDTH * 4 }
}
