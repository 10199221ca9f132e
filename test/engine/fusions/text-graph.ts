import { create, toBinary } from '@bufbuild/protobuf'
import { Float16Array } from '@petamoriken/float16'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as OnnxType,
  type TensorProto,
  TensorProtoSchema,
} from '#dist/runtime/onnx/schema/onnx_pb.js'

/**
 * A graph as text: one node a line, `y, z = Split(x, sizes; axis=1)`; attributes are integers, `0.5f`, lists or 'texts'. A scope before
 * it, `/layer/attn y = …`, begins the node's name.
 */
export interface TextGraph {
  readonly name: string
  /** Inputs: dims, or dtype and dims. */
  readonly inputs: Readonly<Record<string, Declared>>
  /** The elements of inputs for which arbitrary numbers do not work. */
  readonly given?: Readonly<Record<string, readonly number[]>>
  /** The weights: numbers, or only dims, for arbitrary numbers. */
  readonly weights?: Readonly<Record<string, Weight>>
  readonly nodes: string
  readonly outputs?: readonly string[]
  readonly opset?: number
}

export type Kind = 'f32' | 'f16' | 'i64' | 'i32' | 'u8' | 'i8' | 'bool' | 'u4' | 'i4' | 'u2' | 'i2'
export type Declared = readonly (number | string)[]
export type Weight = readonly [kind: Kind, dims: readonly number[], values?: readonly number[]] | number

const KINDS: Record<Kind, OnnxType> = {
  f32: OnnxType.FLOAT,
  f16: OnnxType.FLOAT16,
  i64: OnnxType.INT64,
  i32: OnnxType.INT32,
  u8: OnnxType.UINT8,
  i8: OnnxType.INT8,
  bool: OnnxType.BOOL,
  u4: OnnxType.UINT4,
  i4: OnnxType.INT4,
  u2: OnnxType.UINT2,
  i2: OnnxType.INT2,
}

/** A number for each place. They have both signs, and are all different. */
export const number = (i: number, seed: number): number => Math.sin(i * 12.9898 + seed * 4.1) * 0.9

const sizeOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1)

function weight(name: string, given: Weight, seed: number): TensorProto {
  if (typeof given === 'number')
    return create(TensorProtoSchema, { name, dataType: OnnxType.FLOAT, floatData: [given] })
  const [kind, dims, values] = given
  const isWhole = kind !== 'f32' && kind !== 'f16'
  const all =
    values ??
    Array.from({ length: sizeOf(dims) }, (_, i) => {
      const value = number(i, seed)
      return isWhole ? Math.round(Math.abs(value) * 7) : value
    })
  const field =
    kind === 'f32'
      ? { floatData: [...all] }
      : kind === 'i64'
        ? { int64Data: all.map(value => BigInt(value)) }
        : /[24]$/.test(kind) && kind.length === 2
          ? { int32Data: packed(all, Number(kind[1])) }
          : { int32Data: kind === 'f16' ? all.map(half) : [...all] }
  return create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: KINDS[kind], ...field })
}

/** Packs elements of `bits` bits. The first one of a byte is in its lowest bits. */
function packed(values: readonly number[], bits: number): number[] {
  const perByte = 8 / bits
  const bytes = new Array<number>(Math.ceil(values.length / perByte)).fill(0)
  values.forEach((value, i) => {
    bytes[Math.floor(i / perByte)] |= (value & (2 ** bits - 1)) << (bits * (i % perByte))
  })
  return bytes
}

const half = (value: number): number => new Uint16Array(Float16Array.of(value).buffer)[0]

function attribute(text: string): AttributeProto {
  const [name, value] = text.split(/=(.*)/s).map(part => part.trim())
  if (value.startsWith("'"))
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value.slice(1, -1)),
    })
  if (value.startsWith('['))
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.INTS,
      ints: value
        .slice(1, -1)
        .split(',')
        .filter(part => part.trim())
        .map(part => BigInt(part.trim())),
    })
  return value.endsWith('f')
    ? create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: Number(value.slice(0, -1)) })
    : create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) })
}

const list = (text: string): string[] =>
  text
    .trim()
    .split(',')
    .map(part => part.trim())

function parse(line: string, index: number): NodeProto {
  const [, scope, outputs, domain, opType, inputs, attributes] =
    /^(?:(\/\S+)\s+)?(.*?)=\s*(?:([\w.]+)\.)?(\w+)\((.*?)(?:;(.*))?\)$/s.exec(line)!
  // A comma within brackets belongs to a list.
  const parts = (attributes ?? '').match(/\w+\s*=\s*(\[[^\]]*\]|'[^']*'|[^,]+)/g) ?? []
  return create(NodeProtoSchema, {
    name: scope ? `${scope}/${opType}` : `${opType}_${index}`,
    opType,
    domain: domain ?? '',
    input: inputs.trim() ? list(inputs) : [],
    output: list(outputs),
    attribute: parts.map(attribute),
  })
}

export interface Parsed {
  readonly nodes: readonly NodeProto[]
  readonly outputs: readonly string[]
  /** The values that nodes make and that are no outputs. */
  readonly interior: readonly string[]
}

export function parseGraph(graph: TextGraph): Parsed {
  const nodes = graph.nodes
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean)
    .map(parse)
  const made = nodes.flatMap(node => node.output.filter(Boolean))
  const outputs = graph.outputs ?? [made.at(-1)!]
  return { nodes, outputs, interior: made.filter(name => !outputs.includes(name)) }
}

export interface Extra {
  readonly outputs: readonly string[]
  readonly nodes?: readonly NodeProto[]
}

const typed = (declared: Declared): [Kind, readonly (number | string)[]] =>
  typeof declared[0] === 'string' && declared[0] in KINDS ? [declared[0] as Kind, declared.slice(1)] : ['f32', declared]

/** The file of a graph, with more outputs and nodes. */
export function encodeGraph(graph: TextGraph, extra: Extra = { outputs: [] }): Uint8Array {
  const { nodes, outputs } = parseGraph(graph)
  const input = Object.entries(graph.inputs).map(([name, declared]) => {
    const [kind, dims] = typed(declared)
    const dim = dims.map(size => ({
      value:
        typeof size === 'number'
          ? { case: 'dimValue' as const, value: BigInt(size) }
          : { case: 'dimParam' as const, value: size.split(':')[0] },
    }))
    return { name, type: { value: { case: 'tensorType' as const, value: { elemType: KINDS[kind], shape: { dim } } } } }
  })
  const model = create(ModelProtoSchema, {
    irVersion: (graph.opset ?? 17) > 23 ? 13n : 10n,
    opsetImport: [
      { domain: '', version: BigInt(graph.opset ?? 17) },
      { domain: 'com.microsoft', version: 1n },
      { domain: 'ai.onnx.ml', version: 3n },
    ],
    graph: {
      name: graph.name,
      node: [...nodes, ...(extra.nodes ?? [])],
      input,
      output: [...outputs, ...extra.outputs].map(name => ({ name })),
      initializer: Object.entries(graph.weights ?? {}).map(([name, given], i) => weight(name, given, i + 1)),
    },
  })
  return toBinary(ModelProtoSchema, model)
}

export interface Fed {
  readonly type: string
  readonly dims: readonly number[]
  readonly data: Float32Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array | Int8Array
}

/** Makes the inputs. An open dim is written `name:3`, and has length 3. */
export function feeds(graph: TextGraph, first = 50): Record<string, Fed> {
  return Object.fromEntries(
    Object.entries(graph.inputs).map(([name, declared], seed) => {
      const [kind, open] = typed(declared)
      const dims = open.map(size => (typeof size === 'number' ? size : Number(size.split(':')[1])))
      const values = Array.from({ length: sizeOf(dims) }, (_, i) => number(i, seed + first))
      const whole = graph.given?.[name] ?? values.map(value => Math.round(Math.abs(value) * 5))
      switch (kind) {
        case 'f32':
          return [name, { type: 'float32', dims, data: Float32Array.from(values) }]
        case 'f16':
          return [name, { type: 'float16', dims, data: Uint16Array.from(values.map(half)) }]
        case 'i64':
          return [name, { type: 'int64', dims, data: BigInt64Array.from(whole.map(BigInt)) }]
        case 'i32':
          return [name, { type: 'int32', dims, data: Int32Array.from(whole) }]
        case 'bool':
          return [name, { type: 'bool', dims, data: Uint8Array.from(whole.map(value => value & 1)) }]
        case 'i8':
          return [name, { type: 'int8', dims, data: Int8Array.from(values.map(value => Math.round(value * 100))) }]
        default:
          return [name, { type: 'uint8', dims, data: Uint8Array.from(whole.map(value => value * 20)) }]
      }
    }),
  )
}
