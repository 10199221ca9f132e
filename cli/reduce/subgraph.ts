import { create } from '@bufbuild/protobuf'
import { capturesOf } from '../../runtime/onnx/message/captures.ts'
import { withFields } from '../../runtime/onnx/message/message.ts'
import {
  type ModelProto,
  type NodeProto,
  TensorProto_DataType,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../../runtime/onnx/schema/onnx_pb.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'

/** A part of a model: what some of its nodes compute from the values that the others gave them. */
export interface Part {
  readonly message: ModelProto
  /** The values of its inputs. */
  readonly inputs: ReadonlyMap<string, TensorData>
}

/** The nodes that can be left out: all but constants, which go with those that read them. */
export const removable = ({ graph }: ModelProto): NodeProto[] =>
  graph!.node.filter(({ opType }) => opType !== 'Constant')

/** The part of a model that has only these nodes; undefined if they read a value that is not known, or give none. */
export function partOf(
  message: ModelProto,
  kept: readonly NodeProto[],
  values: ReadonlyMap<string, TensorData>,
): Part | undefined {
  const graph = message.graph!
  const constants = new Map(
    graph.node.filter(({ opType }) => opType === 'Constant').map(node => [node.output[0], node] as const),
  )
  const weights = new Set(graph.initializer.map(({ name }) => name))
  for (const { values } of graph.sparseInitializer) weights.add(values?.name ?? '')
  const made = new Set(kept.flatMap(({ output }) => output))
  const read = new Set(kept.flatMap(node => [...node.input, ...capturesOf(node)]).filter(name => name !== ''))
  const inputs = new Map<string, TensorData>()
  for (const name of read) {
    if (made.has(name) || weights.has(name) || constants.has(name)) continue
    const value = values.get(name)
    if (!value) return undefined
    inputs.set(name, value)
  }
  const results = new Set(graph.output.map(({ name }) => name))
  const outputs = [...made].filter(name => name !== '' && values.has(name) && (!read.has(name) || results.has(name)))
  if (outputs.length === 0) return undefined
  return {
    inputs,
    message: withFields(message, {
      graph: withFields(graph, {
        node: [...[...read].flatMap(name => constants.get(name) ?? []), ...kept],
        initializer: graph.initializer.filter(({ name }) => read.has(name)),
        sparseInitializer: graph.sparseInitializer.filter(({ values }) => read.has(values?.name ?? '')),
        input: [...inputs].map(([name, value]) => declared(name, value, true)),
        output: outputs.map(name => declared(name, values.get(name)!, false)),
        valueInfo: [],
      }),
    }),
  }
}

/** A value's declaration. Dims of outputs are left to onnxruntime. */
export function declared(
  name: string,
  { type, dims }: Pick<TensorData, 'type' | 'dims'>,
  withDims: boolean,
): ValueInfoProto {
  const elemType = TensorProto_DataType[type.replace('float32', 'float').toUpperCase() as 'FLOAT']
  const shape = create(TensorShapeProtoSchema, {
    dim: dims.map(size =>
      create(TensorShapeProto_DimensionSchema, { value: { case: 'dimValue', value: BigInt(size) } }),
    ),
  })
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: create(TypeProto_TensorSchema, { elemType, ...(withDims ? { shape } : {}) }),
      },
    }),
  })
}
