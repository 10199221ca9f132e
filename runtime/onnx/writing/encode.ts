import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { byteLength, type Part } from '../files/parts.ts'
import { children, type Kind, type PayloadField, payloads } from '../message/fields-with-tensors.ts'
import { encodeVarint } from '../reading/wire.ts'
import { type ModelProto, ModelProtoSchema, type TensorProto, TensorProtoSchema } from '../schema/onnx_pb.ts'

/** A tensor as it is written: its message, and the payload that is inserted into it. */
export interface PlacedTensor {
  readonly tensor: TensorProto
  readonly payload?: { readonly field: PayloadField; readonly content: Part }
}

/**
 * Decides how a tensor is written; it may change the tensor. Undefined leaves it as it is. `isWeight` holds for an initializer or a
 * Constant of the model's graph, its bodies included.
 */
export type PlaceTensor = (tensor: TensorProto, isWeight: boolean) => PlacedTensor | undefined

/**
 * Encodes a model as parts of a file, the inverse of `readSkeleton`: the message without payloads first, into which they are then
 * inserted. Fields are in the order of their numbers, as other writers have them.
 */
export function encodeModel(message: ModelProto, place: PlaceTensor): Part[] {
  const bytes = toBinary(ModelProtoSchema, message)
  return rewrite(bytes, { kind: 'model', inMain: false, inConstant: false }, place) ?? [bytes]
}

interface Position {
  readonly kind: Kind
  /** Whether it is in the model's graph, not in a function or a training graph. */
  readonly inMain: boolean
  readonly inConstant: boolean
}

/** A message whose tensors were passed to `place`; undefined if all stay as they are. */
function rewrite(bytes: Uint8Array, position: Position, place: PlaceTensor): Part[] | undefined {
  const reader = new BinaryReader(bytes)
  const parts: Part[] = []
  let copied = 0
  while (reader.pos < bytes.length) {
    const start = reader.pos
    const [field, wire] = reader.tag()
    const child = wire === WireType.LengthDelimited ? children[position.kind][field] : undefined
    if (!child) {
      reader.skip(wire, field)
      continue
    }
    const content = reader.bytes()
    const changed =
      child === 'tensor'
        ? rewriteTensor(content, place, isWeight(position))
        : rewrite(content, childPosition(position, child, field, content), place)
    if (!changed) continue
    parts.push(bytes.subarray(copied, start), head(field, byteLength(changed)))
    for (const part of changed) parts.push(part)
    copied = reader.pos
  }
  if (copied === 0) return undefined
  parts.push(bytes.subarray(copied))
  return parts
}

function isWeight({ kind, inMain, inConstant }: Position): boolean {
  return inMain && (kind === 'graph' || (kind === 'attribute' && inConstant))
}

function childPosition(
  { kind, inMain, inConstant }: Position,
  child: Kind,
  field: number,
  content: Uint8Array,
): Position {
  return {
    kind: child,
    inMain: kind === 'model' ? field === MAIN_GRAPH : inMain,
    inConstant: child === 'node' ? isConstant(content) : child === 'attribute' && inConstant,
  }
}

const MAIN_GRAPH = 7
const OP_TYPE = 4

function isConstant(node: Uint8Array): boolean {
  const reader = new BinaryReader(node)
  while (reader.pos < node.length) {
    const [field, wire] = reader.tag()
    if (field === OP_TYPE) return reader.string() === 'Constant'
    reader.skip(wire, field)
  }
  return false
}

function rewriteTensor(bytes: Uint8Array, place: PlaceTensor, isWeight: boolean): Part[] | undefined {
  const placed = place(fromBinary(TensorProtoSchema, bytes), isWeight)
  if (!placed) return undefined
  const message = toBinary(TensorProtoSchema, placed.tensor)
  if (!placed.payload) return [message]
  const { field, content } = placed.payload
  const number = Number(Object.keys(payloads).find(key => payloads[Number(key)] === field))
  const at = endOfLower(message, number)
  return [message.subarray(0, at), head(number, content.length), content, message.subarray(at)]
}

/** The offset of the first field with a higher number. */
function endOfLower(bytes: Uint8Array, number: number): number {
  const reader = new BinaryReader(bytes)
  while (reader.pos < bytes.length) {
    const start = reader.pos
    const [field, wire] = reader.tag()
    if (field > number) return start
    reader.skip(wire, field)
  }
  return bytes.length
}

/** The tag and length of a length-delimited field. */
function head(field: number, length: number): Uint8Array {
  return Uint8Array.from([...encodeVarint(field * 8 + WireType.LengthDelimited), ...encodeVarint(length)])
}
