import { create, toBinary } from '@bufbuild/protobuf'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { buildGraph } from '#dist/runtime/onnx/graph/graph.js'
import {
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from '#dist/runtime/onnx/schema/onnx_pb.js'
import { floats, OnnxType, value } from '../../model/hand-graph.ts'

export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly string: string }

/** One fused node, and its inputs. */
export interface FusedCase {
  readonly opType: string
  readonly domain?: string
  readonly opset?: number
  readonly attributes: Readonly<Record<string, Attribute>>
  /** The inputs in the operator's order; undefined for one that is left out. Weights are in the file. */
  readonly inputs: readonly (Fed | undefined)[]
  /** The names of the wanted results. '' leaves one out. */
  readonly outputs: readonly string[]
}

export interface Fed {
  readonly dims: readonly number[]
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array
  readonly isWeight?: boolean
}

/** A single fused node as a model. */
export function modelOf({
  opType,
  domain = 'com.microsoft',
  opset = 17,
  attributes,
  inputs,
  outputs,
}: FusedCase): ModelProto {
  const fed = inputs.flatMap((input, i) => (input && !input.isWeight ? [[`x${i}`, input] as const] : []))
  const weights = inputs.flatMap((input, i) => (input?.isWeight ? [weight(`x${i}`, input)] : []))
  return create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [
      { domain: '', version: BigInt(opset) },
      { domain: 'com.microsoft', version: 1n },
    ],
    graph: create(GraphProtoSchema, {
      name: 'fused',
      node: [
        create(NodeProtoSchema, {
          name: '/layer/fused',
          opType,
          domain,
          input: inputs.map((input, i) => (input ? `x${i}` : '')),
          output: [...outputs],
          attribute: Object.entries(attributes).map(([name, attribute]) => {
            if ('int' in attribute) return { name, type: AttributeType.INT, i: BigInt(attribute.int) }
            if ('float' in attribute) return { name, type: AttributeType.FLOAT, f: attribute.float }
            if ('ints' in attribute) return { name, type: AttributeType.INTS, ints: attribute.ints.map(BigInt) }
            if ('floats' in attribute) return { name, type: AttributeType.FLOATS, floats: [...attribute.floats] }
            return { name, type: AttributeType.STRING, s: new TextEncoder().encode(attribute.string) }
          }),
        }),
      ],
      input: fed.map(([name, input]) => value(name, typeOf(input), input.dims)),
      output: outputs.filter(Boolean).map(name => create(ValueInfoProtoSchema, { name })),
      initializer: weights,
    }),
  })
}

/** The same model with the node written out. @throws Error if there is no rule for it */
export function writtenOut(model: ModelProto, rows: 'start' | 'end' = 'start'): ModelProto {
  const graph = buildGraph(model, { clusters: true, rows })
  if (graph.nodes.some(node => node.name === '/layer/fused')) throw new Error('The node was not written out.')
  return {
    ...model,
    graph: {
      ...model.graph!,
      node: graph.nodes.map(node => node.proto),
      initializer: [...graph.initializers.values()],
    },
  }
}

/** All results of a model, computed by onnxruntime alone. */
export async function run(model: ModelProto, { inputs }: FusedCase): Promise<Record<string, Tensor>> {
  const session = await InferenceSession.create(toBinary(ModelProtoSchema, model), {
    logSeverityLevel: 4,
    graphOptimizationLevel: 'disabled',
  })
  try {
    const feeds = inputs.flatMap((input, i) => (input && !input.isWeight ? [[`x${i}`, tensorOf(input)] as const] : []))
    return (await session.run(Object.fromEntries(feeds))) as Record<string, Tensor>
  } finally {
    await session.release()
  }
}

/** The largest difference of two results, as a share of the largest value. Elements that `isCounted` refuses do not count. */
export function off(got: Tensor, expected: Tensor, isCounted: (index: number) => boolean = () => true): number {
  if (String(got.dims) !== String(expected.dims)) throw new Error(`dims ${got.dims}, expected ${expected.dims}`)
  const [a, b] = [got.data, expected.data] as Float32Array[]
  let most = 1e-6
  let worst = 0
  b.forEach((due, i) => {
    if (!isCounted(i)) return
    most = Math.max(most, Math.abs(due))
    worst = Math.max(worst, Number.isFinite(a[i]) ? Math.abs(a[i] - due) : Number.POSITIVE_INFINITY)
  })
  return worst / most
}

export function random(dims: readonly number[], seed: number, isWeight = false): Fed {
  let state = seed * 2654435761 + 12345
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
  return { dims, data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, next), isWeight }
}

export const int32 = (dims: readonly number[], data: readonly number[]): Fed => ({ dims, data: Int32Array.from(data) })
export const int64 = (dims: readonly number[], data: readonly number[]): Fed => ({
  dims,
  data: BigInt64Array.from(data, BigInt),
})

export const bytes = (dims: readonly number[], seed: number): Fed => {
  const { data } = random(dims, seed)
  return { dims, data: Uint8Array.from(data as Float32Array, value => Math.floor((value + 1) * 128)), isWeight: true }
}

function weight(name: string, { dims, data }: Fed): TensorProto {
  if (data instanceof Float32Array) return floats(name, dims, [...data])
  if (!(data instanceof Uint8Array)) throw new Error('Only weights of floats and bytes are needed so far.')
  return create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: OnnxType.UINT8, rawData: data })
}

function typeOf({ data }: Fed): OnnxType {
  if (data instanceof Float32Array) return OnnxType.FLOAT
  if (data instanceof Int32Array) return OnnxType.INT32
  return data instanceof BigInt64Array ? OnnxType.INT64 : OnnxType.UINT8
}

function tensorOf({ dims, data }: Fed): Tensor {
  if (data instanceof Float32Array) return new Tensor('float32', data, dims)
  if (data instanceof Int32Array) return new Tensor('int32', data, dims)
  return data instanceof BigInt64Array ? new Tensor('int64', data, dims) : new Tensor('uint8', data, dims)
}
