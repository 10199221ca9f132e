import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import type { ExecutionContext } from 'ava'
import {
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
} from '#dist/runtime/onnx/schema/onnx_pb.js'

/** An empty folder that is removed after the test. */
export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'onnsight-write-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Decodes the whole file, with its weights, by the full schema. */
export async function decode(path: string): Promise<ModelProto> {
  return fromBinary(ModelProtoSchema, await readFile(path))
}

export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort()
}

/**
 * The model with each tensor's payload moved into raw_data. Two models that only differ in the places of their weights
 * become equal.
 */
export async function withBytesInside(path: string): Promise<ModelProto> {
  const model = await decode(path)
  const files = new Map<string, Buffer>()
  for (const tensor of tensorsIn(model)) {
    const entries = Object.fromEntries(tensor.externalData.map(({ key, value }) => [key, value]))
    if (tensor.dataLocation === 1) {
      const inside = [tensor.rawData, tensor.floatData, tensor.doubleData, tensor.int32Data, tensor.int64Data]
      if (inside.some(list => list.length > 0)) throw new Error(`${tensor.name} has its elements twice.`)
      const file = join(dirname(path), entries.location)
      if (!files.has(file)) files.set(file, await readFile(file))
      const offset = Number(entries.offset ?? 0)
      const length = entries.length ?? 4 * tensor.dims.reduce((size, dim) => size * Number(dim), 1)
      tensor.rawData = files.get(file)!.subarray(offset, offset + Number(length))
    } else if (tensor.floatData.length > 0) tensor.rawData = bytesOf(Float32Array.from(tensor.floatData))
    else if (tensor.doubleData.length > 0) tensor.rawData = bytesOf(Float64Array.from(tensor.doubleData))
    else if (tensor.int64Data.length > 0) tensor.rawData = bytesOf(BigInt64Array.from(tensor.int64Data))
    else if (tensor.int32Data.length > 0 && tensor.dataType === 6)
      tensor.rawData = bytesOf(Int32Array.from(tensor.int32Data))
    tensor.rawData = Uint8Array.from(tensor.rawData)
    Object.assign(tensor, { floatData: [], doubleData: [], int64Data: [], externalData: [], dataLocation: 0 })
    if (tensor.dataType === 6) tensor.int32Data = []
  }
  return model
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

export function* tensorsIn(model: ModelProto): Iterable<TensorProto> {
  if (model.graph) yield* inGraph(model.graph)
  for (const fn of model.functions)
    for (const attribute of [...fn.node.flatMap(node => node.attribute), ...fn.attributeProto])
      yield* inAttribute(attribute)
  for (const { initialization, algorithm } of model.trainingInfo)
    for (const graph of [initialization, algorithm]) if (graph) yield* inGraph(graph)
}

function* inGraph(graph: GraphProto): Iterable<TensorProto> {
  yield* graph.initializer
  for (const { values, indices } of graph.sparseInitializer) yield* [values, indices].filter(part => part !== undefined)
  for (const attribute of graph.node.flatMap(node => node.attribute)) yield* inAttribute(attribute)
}

function* inAttribute({ t, tensors, sparseTensor, sparseTensors, g, graphs }: AttributeProto): Iterable<TensorProto> {
  yield* t ? [t, ...tensors] : tensors
  for (const { values, indices } of sparseTensor ? [sparseTensor, ...sparseTensors] : sparseTensors)
    yield* [values, indices].filter(part => part !== undefined)
  for (const graph of g ? [g, ...graphs] : graphs) yield* inGraph(graph)
}
