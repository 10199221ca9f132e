import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { externalEntry } from '../../onnx/message/external-data.ts'
import {
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataLocation,
} from '../../onnx/schema/onnx_pb.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import { type DataType, dataTypes } from '../../tensor/dtypes/dtype.ts'
import { dataTypeOf } from '../../tensor/dtypes/element-type.ts'
import type { Step } from '../linker/plan.ts'
import type { ValueShape } from '../scanning/value-shape.ts'
import { emitTensor, emitValueInfo } from '../sessions/emit.ts'
import { OWN } from '../sessions/own-names.ts'
import type { Provider } from '../sessions/provider.ts'

/** A node that a recording adds, with the shapes of what it reads and makes. */
export interface ShapedNode {
  readonly proto: NodeProto
  readonly inputs: readonly (ValueShape | undefined)[]
  readonly outputs: readonly ValueShape[]
}

export interface AddedShapes {
  readonly nodes: readonly ShapedNode[]
  /** Shapes of the outputs, by id. */
  readonly outputs: ReadonlyMap<string, ValueShape>
}

/** Values with more bytes are no sizes, so that inference needs their dims only. */
const SIZES_BYTES = 1024

const rankName = (name: string): string => `${OWN}rank of ${name}`

/**
 * Finds dims and dtypes of all values of a step by onnxruntime's own inference, without computing anything: no optimisation folds constants.
 * Operands stand there as constants if they may be sizes, as those of Expand.
 */
export async function addedShapes(
  step: Step,
  provider: Provider,
  shapeOf: (id: string) => ValueShape | undefined,
  operandOf: (id: string) => TensorData | undefined,
): Promise<AddedShapes> {
  const model = fromBinary(ModelProtoSchema, step.rebuild!.model().bytes)
  const graph = model.graph!
  const known = new Map<string, ValueShape>()
  const { input, initializer } = edgesOf(graph, step, shapeOf, operandOf, known)
  const made = graph.node.flatMap(node => node.output.filter(name => name !== ''))
  // onnxruntime reports the dims [] for a scalar and for a value of unknown rank, and the Shape of the latter has unknown dims.
  const ranks = made.map(name =>
    create(NodeProtoSchema, { name: rankName(name), opType: 'Shape', input: [name], output: [rankName(name)] }),
  )
  const skeleton = create(GraphProtoSchema, {
    name: 'onnsight',
    node: [...graph.node, ...ranks],
    input,
    initializer,
    output: [...made, ...made.map(rankName)].map(name => emitValueInfo(name)),
  })
  const bytes = toBinary(ModelProtoSchema, { ...model, graph: skeleton })
  const session = await provider.create({ bytes, folder: undefined }, { prepack: false, optimize: 'disabled' })
  const ranked = new Set<string>()
  for (const { name, dims } of session.outputs)
    if (name.startsWith(rankName('')) && typeof dims[0] === 'number') ranked.add(name)
  for (const { name, type, dims } of session.outputs) {
    if (name.startsWith(rankName(''))) continue
    const whole = dims.map(dim => (typeof dim === 'number' ? dim : undefined))
    known.set(name, { type: asDataType(type), dims: ranked.has(rankName(name)) ? whole : undefined })
  }
  await session.release()
  return {
    nodes: graph.node.map(proto => ({
      proto,
      inputs: proto.input.map(name => known.get(name)),
      outputs: proto.output.flatMap(name => known.get(name) ?? []),
    })),
    outputs: new Map(step.outputs.flatMap(([name, id]) => (known.has(name) ? [[id, known.get(name)!] as const] : []))),
  }
}

/** The inputs and constants of the skeleton; their shapes are added to `known`. */
function edgesOf(
  graph: GraphProto,
  step: Step,
  shapeOf: (id: string) => ValueShape | undefined,
  operandOf: (id: string) => TensorData | undefined,
  known: Map<string, ValueShape>,
): Pick<GraphProto, 'input' | 'initializer'> {
  const input: GraphProto['input'] = []
  const initializer: GraphProto['initializer'] = []
  const ids = new Map(step.inputs)
  for (const value of graph.input) {
    const id = ids.get(value.name)!
    const operand = operandOf(id)
    const shape = operand ?? shapeOf(id)
    if (operand && ArrayBuffer.isView(operand.data) && operand.data.byteLength <= SIZES_BYTES)
      initializer.push(emitTensor(value.name, operand))
    else if (!shape) input.push(value)
    else {
      const declared = value.type?.value
      const type = declared?.case === 'tensorType' ? dataTypeOf(declared.value.elemType) : undefined
      input.push(emitValueInfo(value.name, type ?? shape.type, shape.dims))
    }
    if (shape) known.set(value.name, { type: shape.type, dims: shape.dims })
  }
  for (const tensor of graph.initializer) {
    const shape = { type: dataTypeOf(tensor.dataType) ?? 'float32', dims: tensor.dims.map(Number) }
    known.set(tensor.name, shape)
    const isLarge =
      tensor.dataLocation === TensorProto_DataLocation.EXTERNAL ||
      externalEntry(tensor, 'location') !== undefined ||
      tensor.rawData.length > SIZES_BYTES
    if (isLarge) input.push(emitValueInfo(tensor.name, shape.type, shape.dims))
    else initializer.push(tensor)
  }
  return { input, initializer }
}

const asDataType = (type: string): DataType =>
  (dataTypes as readonly string[]).includes(type) ? (type as DataType) : 'float32'
