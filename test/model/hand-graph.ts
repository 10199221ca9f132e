import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as OnnxType,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '#dist/runtime/onnx/schema/onnx_pb.js'

export { OnnxType }

/** Attributes by name. The kind of a value decides the attribute's type: a graph becomes a body, an integer an INT. */
export type Attributes = Readonly<Record<string, number | readonly number[] | GraphProto | TensorProto>>

export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Attributes = {},
  name = '',
): NodeProto {
  const attribute = Object.entries(attributes).map(([key, value]) => {
    if (typeof value === 'number') return { name: key, type: AttributeType.INT, i: BigInt(value) }
    if (Array.isArray(value)) return { name: key, type: AttributeType.INTS, ints: value.map(BigInt) }
    return (value as GraphProto | TensorProto).$typeName === 'onnx.GraphProto'
      ? { name: key, type: AttributeType.GRAPH, g: value as GraphProto }
      : { name: key, type: AttributeType.TENSOR, t: value as TensorProto }
  })
  return create(NodeProtoSchema, { name, opType, input: [...input], output: [...output], attribute })
}

export function floats(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: OnnxType.FLOAT,
    floatData: [...values],
  })
}

export function ints(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: OnnxType.INT64,
    int64Data: values.map(BigInt),
  })
}

export function value(name: string, elemType: OnnxType, dims: readonly (number | string)[]): ValueInfoProto {
  const dim = dims.map(size => ({
    value:
      typeof size === 'number'
        ? { case: 'dimValue' as const, value: BigInt(size) }
        : { case: 'dimParam' as const, value: size },
  }))
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType, shape: { dim } } } },
  })
}

export interface GraphParts {
  readonly nodes: readonly NodeProto[]
  readonly inputs?: readonly ValueInfoProto[]
  readonly outputs: readonly (ValueInfoProto | string)[]
  readonly initializers?: readonly TensorProto[]
}

export function graph({ nodes, inputs = [], outputs, initializers = [] }: GraphParts, name = 'graph'): GraphProto {
  return create(GraphProtoSchema, {
    name,
    node: [...nodes],
    input: [...inputs],
    output: outputs.map(output =>
      typeof output === 'string' ? create(ValueInfoProtoSchema, { name: output }) : output,
    ),
    initializer: [...initializers],
  })
}

export function model(main: GraphProto, opset = 17): ModelProto {
  return create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: '', version: BigInt(opset) }], graph: main })
}

const folder = mkdtempSync(join(tmpdir(), 'onnsight-hand-'))
let files = 0

/** Writes a model to a new file, and returns its path. */
export function saved(proto: ModelProto, name = `${++files}.onnx`): string {
  const path = join(folder, name)
  writeFileSync(path, toBinary(ModelProtoSchema, proto))
  return path
}
