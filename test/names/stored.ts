import { create, toBinary } from '@bufbuild/protobuf'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import {
  AttributeProto_AttributeType as AttributeType,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as OnnxType,
  type TensorProto,
  TensorProtoSchema,
} from '#dist/runtime/onnx/schema/onnx_pb.js'

export type Attributes = Readonly<Record<string, number | readonly number[] | { readonly float: number }>>

/** A node of com.microsoft or of ai.onnx. */
export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  { name = '', domain = '', attributes = {} }: { name?: string; domain?: string; attributes?: Attributes } = {},
): NodeProto {
  const attribute = Object.entries(attributes).map(([key, value]) => {
    if (typeof value === 'number') return { name: key, type: AttributeType.INT, i: BigInt(value) }
    if ('float' in value) return { name: key, type: AttributeType.FLOAT, f: value.float }
    return { name: key, type: AttributeType.INTS, ints: value.map(BigInt) }
  })
  return create(NodeProtoSchema, { name, opType, domain, input: [...input], output: [...output], attribute })
}

/** An initializer with the bytes of a typed array. For int4 and uint4, these are the packed bytes. */
export function stored(
  name: string,
  dims: readonly number[],
  data: Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array | Uint16Array,
  dataType: OnnxType = typeOf(data),
): TensorProto {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
  return create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType, rawData })
}

function typeOf(data: ArrayBufferView): OnnxType {
  if (data instanceof Float32Array) return OnnxType.FLOAT
  if (data instanceof Int8Array) return OnnxType.INT8
  if (data instanceof Int32Array) return OnnxType.INT32
  if (data instanceof BigInt64Array) return OnnxType.INT64
  return data instanceof Uint16Array ? OnnxType.FLOAT16 : OnnxType.UINT8
}

/** Random numbers from a seed: whole ones in a range, or floats between -1 and 1. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = (Math.imul(seed + 1, 2654435761) + 12345) >>> 0
  }

  next(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return this.#state / 2 ** 32
  }

  floats(count: number, scale = 1): Float32Array {
    return Float32Array.from({ length: count }, () => (this.next() * 2 - 1) * scale)
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => Math.floor(this.next() * 256))
  }

  signed(count: number): Int8Array {
    return Int8Array.from({ length: count }, () => Math.floor(this.next() * 256) - 128)
  }

  /** Scales that are no round numbers. */
  scales(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => 0.01 + this.next() / 10)
  }
}

export const size = (dims: readonly number[]): number => dims.reduce((all, dim) => all * dim, 1)

/** A model's results, computed by onnxruntime alone. */
export async function run(model: ModelProto, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await InferenceSession.create(toBinary(ModelProtoSchema, model), { logSeverityLevel: 4 })
  try {
    return (await session.run(feeds)) as Record<string, Tensor>
  } finally {
    await session.release()
  }
}

export const float32 = (dims: readonly number[], data: Float32Array): Tensor => new Tensor('float32', data, dims)
