import { create, toBinary } from '@bufbuild/protobuf'
import {
  type FunctionProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
} from '../../onnx/schema/onnx_pb.ts'
import { type DataType, isHeld } from '../../tensor/dtypes/dtype.ts'
import { elementType } from '../../tensor/dtypes/element-type.ts'
import { emitAttribute, emitValueInfo } from './emit.ts'
import { OWN } from './own-names.ts'
import type { SessionModel } from './provider.ts'
import { shield } from './shield.ts'
import type { Weights } from './weights.ts'

/** An input or output of a session. The dtype of an output may be unknown: onnxruntime infers it. */
export interface Edge {
  readonly name: string
  readonly type: DataType | undefined
  readonly dims?: readonly (number | string | undefined)[] | undefined
}

/** The parts of one session's graph. */
export interface Assembly {
  readonly nodes: readonly NodeProto[]
  readonly inputs: readonly Edge[]
  readonly outputs: readonly Edge[]
  /** Model weights that the nodes read. */
  readonly initializers: Iterable<string>
  /** Small constants of the recording. */
  readonly constants?: readonly TensorProto[]
  /** Values within the session whose rank onnxruntime may not infer. */
  readonly inner?: readonly Edge[]
  /** Values of the model's nodes that recorded operations read. */
  readonly read?: Iterable<string>
}

export interface Opsets {
  readonly opsets: ReadonlyMap<string, number>
  readonly irVersion: number
  /** Functions that nodes may call. */
  readonly functions?: readonly FunctionProto[]
}

/** The lowest IR version written: int4 and newer types need 10. */
const MIN_IR_VERSION = 10

/** Puts the model of one session together. It has some kilobytes, as weights stay in their files. */
export function assemble(
  assembly: Assembly,
  weights: Weights | undefined,
  { opsets, irVersion, functions = [] }: Opsets,
): SessionModel {
  const castsOfInputs: NodeProto[] = []
  const castsOfOutputs: NodeProto[] = []
  const input = assembly.inputs.map(edge => inputOf(edge, castsOfInputs))
  const output = assembly.outputs.map(edge => outputOf(edge, castsOfOutputs))
  const prepared = weights?.prepare(new Set(assembly.initializers))
  const outputs = assembly.outputs.map(({ name }) => name)
  const nodes = shield(assembly.nodes, outputs, new Set(assembly.read))
  const graph = create(GraphProtoSchema, {
    name: 'onnsight',
    node: [...castsOfInputs, ...nodes, ...castsOfOutputs],
    initializer: [...(assembly.constants ?? []), ...(prepared?.tensors ?? [])],
    input,
    output,
    valueInfo: assembly.inner?.map(({ name, type, dims }) => emitValueInfo(name, type, dims)) ?? [],
  })
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(Math.max(irVersion, MIN_IR_VERSION)),
    opsetImport: [...opsets].map(([domain, version]) => ({ domain, version: BigInt(version) })),
    graph,
    functions: [...functions],
  })
  return {
    bytes: toBinary(ModelProtoSchema, model),
    folder: prepared?.folder,
    parts: prepared?.parts,
    isShielded: nodes !== assembly.nodes,
  }
}

/** The dtype of a session's input or output. Types without a JavaScript array are cast to a wider one, as onnxruntime-node refuses them or aborts. */
export function edgeType(type: DataType): DataType {
  if (isHeld(type)) return type
  if (type === 'int4') return 'int8'
  if (type === 'uint4') return 'uint8'
  return 'float32'
}

function inputOf({ name, type, dims }: Edge, before: NodeProto[]) {
  if (!type || isHeld(type)) return emitValueInfo(name, type, dims)
  before.push(cast(fedName(name), name, type))
  return emitValueInfo(fedName(name), edgeType(type), dims)
}

function outputOf({ name, type }: Edge, after: NodeProto[]) {
  if (!type || isHeld(type)) return emitValueInfo(name)
  after.push(cast(name, fetchedName(name), edgeType(type)))
  return emitValueInfo(fetchedName(name))
}

const fedName = (name: string): string => `${OWN}fed ${name}`
const fetchedName = (name: string): string => `${OWN}read ${name}`

/** The value that a session's output is: the inverse of `fetchName`. */
export const fetchedValue = (name: string): string =>
  name.startsWith(fetchedName('')) ? name.slice(fetchedName('').length) : name

/** The name of the session's input for a value. */
export function feedName(name: string, type: DataType | undefined): string {
  return type && !isHeld(type) ? fedName(name) : name
}

/** The name of the session's output for a value. */
export function fetchName(name: string, type: DataType | undefined): string {
  return type && !isHeld(type) ? fetchedName(name) : name
}

function cast(from: string, to: string, type: DataType): NodeProto {
  return create(NodeProtoSchema, {
    name: `${OWN}edge ${to}`,
    opType: 'Cast',
    input: [from],
    output: [to],
    attribute: [emitAttribute('to', { int: elementType(type) })],
  })
}
