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

/** A value at a session's edge. Its dtype may be unknown where onnxruntime can infer it (outputs). */
export interface Edge {
  readonly name: string
  readonly type: DataType | undefined
  readonly dims?: readonly (number | string | undefined)[] | undefined
}

/** What goes into one session's graph. */
export interface Assembly {
  readonly nodes: readonly NodeProto[]
  readonly inputs: readonly Edge[]
  readonly outputs: readonly Edge[]
  /** Model weights that the nodes read. */
  readonly initializers: Iterable<string>
  /** Small tensors of the recording itself. */
  readonly constants?: readonly TensorProto[]
  /** Values of the nodes that what was recorded reads. */
  readonly read?: Iterable<string>
}

export interface Opsets {
  readonly opsets: ReadonlyMap<string, number>
  readonly irVersion: number
  /** Functions that nodes may call. */
  readonly functions?: readonly FunctionProto[]
}

/** IR 8 is what every opset up to 19 was published with; int4 and newer types need 10. */
const LEAST_IR = 10

/** One session's model: kilobytes, as weights stay in their files. */
export function assemble(
  assembly: Assembly,
  weights: Weights | undefined,
  { opsets, irVersion, functions = [] }: Opsets,
): SessionModel {
  const before: NodeProto[] = []
  const after: NodeProto[] = []
  const input = assembly.inputs.map(edge => inputOf(edge, before))
  const output = assembly.outputs.map(edge => outputOf(edge, after))
  const prepared = weights?.prepare(new Set(assembly.initializers))
  const outputs = assembly.outputs.map(({ name }) => name)
  const nodes = shield(assembly.nodes, outputs, new Set(assembly.read))
  const graph = create(GraphProtoSchema, {
    name: 'onnsight',
    node: [...before, ...nodes, ...after],
    initializer: [...(assembly.constants ?? []), ...(prepared?.tensors ?? [])],
    input,
    output,
  })
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(Math.max(irVersion, LEAST_IR)),
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

/** Types that JavaScript can't hold cross an edge as a wider one: onnxruntime-node refuses or aborts on them otherwise. */
export function edgeType(type: DataType): DataType {
  if (isHeld(type)) return type
  if (type === 'int4') return 'int8'
  if (type === 'uint4') return 'uint8'
  return 'float32'
}

function inputOf({ name, type, dims }: Edge, before: NodeProto[]) {
  if (!type || isHeld(type)) return emitValueInfo(name, type, dims)
  before.push(cast(fed(name), name, type))
  return emitValueInfo(fed(name), edgeType(type), dims)
}

function outputOf({ name, type }: Edge, after: NodeProto[]) {
  if (!type || isHeld(type)) return emitValueInfo(name)
  after.push(cast(name, read(name), edgeType(type)))
  return emitValueInfo(read(name))
}

const fed = (name: string): string => `${OWN}fed ${name}`
const read = (name: string): string => `${OWN}read ${name}`

/** The value that is fetched under a name. */
export const fetchedValue = (name: string): string => (name.startsWith(read('')) ? name.slice(read('').length) : name)

/** The name under which a value is fed. */
export function feedName(name: string, type: DataType | undefined): string {
  return type && !isHeld(type) ? fed(name) : name
}

/** The name under which a value is fetched. */
export function fetchName(name: string, type: DataType | undefined): string {
  return type && !isHeld(type) ? read(name) : name
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
