import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { create, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { type GraphProto, GraphProtoSchema, ModelProtoSchema, TensorProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'

/** A float32 initializer, whose values are computed while they are written. */
export interface Weight {
  readonly name: string
  readonly dims: readonly number[]
  readonly fill: (i: number) => number
}

export interface Written {
  readonly graph: GraphProto
  readonly weights: readonly Weight[]
  readonly opset: bigint
}

/** The path of a model in bench/models. The first call writes the model. Its weights are never in memory all together. */
export function ensureModel(name: string, make: () => Written): string {
  const path = fileURLToPath(new URL(`./${name}.onnx`, import.meta.url))
  if (!existsSync(path)) write(path, make())
  return path
}

function write(path: string, { graph, weights, opset }: Written): void {
  mkdirSync(dirname(path), { recursive: true })
  const head = toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: '', version: opset }] }))
  const graphBytes = toBinary(GraphProtoSchema, graph)
  const tensors = weights.map(tensorHeader)
  const graphLength = graphBytes.length + tensors.reduce((sum, { bytes, data }) => sum + bytes.length + data, 0)
  const file = openSync(`${path}.tmp`, 'w')
  writeSync(file, head)
  writeSync(file, new BinaryWriter().uint32((7 << 3) | 2).uint32(graphLength).finish())
  writeSync(file, graphBytes)
  weights.forEach((weight, i) => {
    writeSync(file, tensors[i].bytes)
    const data = Float32Array.from({ length: tensors[i].data / 4 }, (_, j) => weight.fill(j))
    writeSync(file, new Uint8Array(data.buffer))
  })
  closeSync(file)
  renameSync(`${path}.tmp`, path)
}

/** An initializer's bytes up to its raw_data, which follows. */
function tensorHeader({ name, dims }: Weight): { bytes: Uint8Array; data: number } {
  const data = dims.reduce((size, dim) => size * dim, 4)
  const fields = toBinary(TensorProtoSchema, create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: 1 }))
  const raw = new BinaryWriter().uint32((9 << 3) | 2).uint32(data).finish()
  const start = new BinaryWriter().uint32((5 << 3) | 2).uint32(fields.length + raw.length + data).finish()
  return { bytes: Buffer.concat([start, fields, raw]), data }
}

/** Fixed noise of scale 0.02, which is nearly normal: the sum of bits of an integer hash. */
export function noise(seed: number): (i: number) => number {
  return i => {
    let hash = (i + 1) * 0x9e3779b1 + seed * 0x85ebca6b
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39)
    return (((hash ^ (hash >>> 15)) >>> 0) / 0x100000000 - 0.5) * 0.07
  }
}
