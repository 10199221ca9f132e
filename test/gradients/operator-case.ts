import { create } from '@bufbuild/protobuf'
import { type Tensor, tensor } from 'onnsight'
import {
  AttributeProto_AttributeType as AttributeType,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from '#dist/runtime/onnx/schema/onnx_pb.js'
import { graph, OnnxType, value } from '../model/hand-graph.ts'

type ElementType = 'float32' | 'int64' | 'int32' | 'uint8' | 'int8' | 'bool'

export interface StoredTensor {
  readonly type: ElementType
  readonly dims: readonly number[]
  readonly data: readonly number[]
  /** An initializer of the model. */
  readonly constant?: true
  /** A QuantizeLinear before the node: the node gets integers. */
  readonly quantised?: { readonly scale: number; readonly zero: number; readonly type: ElementType }
}

type StoredAttribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly string: string }
  | { readonly strings: readonly string[] }

/** One node, and the gradients by PyTorch of a weighted sum of its results. test/reference/gradients makes them. */
export interface OperatorCase {
  readonly op: string
  readonly domain?: string
  readonly opset: number
  readonly about?: string
  readonly attributes?: Readonly<Record<string, StoredAttribute>>
  readonly inputs: readonly (StoredTensor | null)[]
  /** The weights of each result in the sum. Null for a result that is not in it. */
  readonly weights: readonly (StoredTensor | null)[]
  readonly total: number
  /** The gradients by the number of the input. */
  readonly gradients: Readonly<Record<string, readonly number[]>>
}

/** Whether the model declares its inputs' dims, or gives each a name. */
export type DimsForm = 'known dims' | 'named dims'

const TYPES: Readonly<Record<ElementType, [OnnxType, (data: readonly number[]) => ArrayBufferView]>> = {
  float32: [OnnxType.FLOAT, data => Float32Array.from(data)],
  int64: [OnnxType.INT64, data => BigInt64Array.from(data, BigInt)],
  int32: [OnnxType.INT32, data => Int32Array.from(data)],
  uint8: [OnnxType.UINT8, data => Uint8Array.from(data)],
  int8: [OnnxType.INT8, data => Int8Array.from(data)],
  bool: [OnnxType.BOOL, data => Uint8Array.from(data)],
}

export function toTensor({ type, dims, data }: StoredTensor): Tensor {
  return tensor([...data], { type, dims: [...dims] })
}

const nameOf = (index: number): string => `x${index}`

function initializer(name: string, { type, dims, data }: StoredTensor): TensorProto {
  const [dataType, toArray] = TYPES[type]
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType,
    rawData: new Uint8Array(toArray(data).buffer),
  })
}

/** The model of one node: inputs x0, x1, …, results y0, y1, … */
export function modelOf(
  { op, domain = '', opset, attributes = {}, inputs, weights }: OperatorCase,
  form: DimsForm,
): ModelProto {
  const node = create(NodeProtoSchema, {
    name: 'node',
    opType: op,
    domain,
    input: inputs.map((input, i) => (input ? `${nameOf(i)}${input.quantised ? '_q' : ''}` : '')),
    output: weights.map((_, i) => `y${i}`),
    attribute: Object.entries(attributes).map(([name, attribute]) => {
      if ('int' in attribute) return { name, type: AttributeType.INT, i: BigInt(attribute.int) }
      if ('ints' in attribute) return { name, type: AttributeType.INTS, ints: attribute.ints.map(BigInt) }
      if ('float' in attribute) return { name, type: AttributeType.FLOAT, f: attribute.float }
      if ('floats' in attribute) return { name, type: AttributeType.FLOATS, floats: [...attribute.floats] }
      if ('strings' in attribute)
        return {
          name,
          type: AttributeType.STRINGS,
          strings: attribute.strings.map(each => new TextEncoder().encode(each)),
        }
      return { name, type: AttributeType.STRING, s: new TextEncoder().encode(attribute.string) }
    }),
  })
  const given = inputs.flatMap((input, i) => (input ? [[nameOf(i), input] as const] : []))
  const quantised = given.flatMap(([name, { quantised }]) => (quantised ? [[name, quantised] as const] : []))
  const quantisers = quantised.map(([name]) =>
    create(NodeProtoSchema, {
      name: `${name}_quantiser`,
      opType: 'QuantizeLinear',
      input: [name, `${name}_scale`, `${name}_zero`],
      output: [`${name}_q`],
    }),
  )
  const parameters = quantised.flatMap(([name, { scale, zero, type }]) => [
    initializer(`${name}_scale`, { type: 'float32', dims: [], data: [scale] }),
    initializer(`${name}_zero`, { type, dims: [], data: [zero] }),
  ])
  const dimsFor = (name: string, dims: readonly number[]): (number | string)[] =>
    form === 'known dims' ? [...dims] : dims.map((_, axis) => `${name}_${axis}`)
  return create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [
      { domain: '', version: BigInt(opset) },
      { domain: 'com.microsoft', version: 1n },
    ],
    graph: graph({
      nodes: [...quantisers, node],
      inputs: given
        .filter(([, input]) => !input.constant)
        .map(([name, { type, dims }]) => value(name, TYPES[type][0], dimsFor(name, dims))),
      outputs: weights.map((_, i) => `y${i}`),
      initializers: [
        ...parameters,
        ...given.filter(([, input]) => input.constant).map(([name, input]) => initializer(name, input)),
      ],
    }),
  })
}

/** What the model is given, by name. */
export function feedsOf({ inputs }: OperatorCase): Record<string, Tensor> {
  return Object.fromEntries(
    inputs.flatMap((input, i) => (input && !input.constant ? [[nameOf(i), toTensor(input)] as const] : [])),
  )
}
