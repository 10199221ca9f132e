import { clearField, create } from '@bufbuild/protobuf'
import type { FileRange, Part } from '../files/parts.ts'
import { externalEntry } from '../message/external-data.ts'
import {
  FIELD_KEY,
  KEPT_BYTES,
  LOCATION_FIELD_KEY,
  type PayloadField,
  WRITTEN_LOCATION_KEY,
} from '../message/fields-with-tensors.ts'
import { withFields } from '../message/message.ts'
import { tensorByteLength } from '../message/tensor-type.ts'
import { embeddedBytes } from '../message/tensor-value.ts'
import {
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from '../schema/onnx_pb.ts'
import type { PlacedTensor } from './encode.ts'

/** The range of a tensor's payload in its file; undefined if it is in the message. */
export function rangeOf(tensor: TensorProto): FileRange | undefined {
  const file = externalEntry(tensor, 'location')
  if (file === undefined) return undefined
  const [offset = 0, length = 0] = ['offset', 'length'].map(key => Number(externalEntry(tensor, key) ?? 0))
  return { file, offset, length }
}

/** A copy of a tensor that is written into the model's own file, also if it was read from another one and weights are written as read. */
export function ownedCopy(tensor: TensorProto): TensorProto {
  const end = tensor.externalData.findIndex(({ key }) => key === WRITTEN_LOCATION_KEY)
  if (end < 0) return tensor
  const { file, offset, length } = rangeOf(tensor)!
  const entries = { location: file, offset, length, [FIELD_KEY]: 'raw_data' }
  const copy = withFields(tensor, {
    externalData: Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value: String(value) }),
    ),
  })
  clearPayloads(copy)
  return copy
}

/** Writes a tensor as it was read: a payload into the field it was cut from, external data with the file's own location. */
export function placeAsRead(tensor: TensorProto): PlacedTensor | undefined {
  const field = externalEntry(tensor, FIELD_KEY)
  if (field !== undefined) return embed(tensor, field as PayloadField)
  const end = tensor.externalData.findIndex(({ key }) => key === WRITTEN_LOCATION_KEY)
  if (end < 0) return undefined
  const location = tensor.externalData.find(({ key }) => key === 'location')
  if (location) location.value = tensor.externalData[end].value
  tensor.externalData.splice(end)
  return { tensor }
}

/** Writes a tensor's payload into the model's own file. */
export function placeEmbedded(tensor: TensorProto): PlacedTensor | undefined {
  if (externalEntry(tensor, 'location') === undefined) return undefined
  const field = externalEntry(tensor, FIELD_KEY)
  if (field !== undefined) return embed(tensor, field as PayloadField)
  clearPayloads(tensor)
  return embed(tensor, 'raw_data')
}

function embed(tensor: TensorProto, field: PayloadField): PlacedTensor {
  const content = rangeOf(tensor)!
  const hadLocation = externalEntry(tensor, LOCATION_FIELD_KEY) !== undefined
  tensor.externalData = []
  if (hadLocation) tensor.dataLocation = TensorProto_DataLocation.DEFAULT
  else clearField(tensor, TensorProtoSchema.field.dataLocation)
  return { tensor, payload: { field, content } }
}

/** Removes payloads beside external data, which all readers ignore. */
function clearPayloads(tensor: TensorProto): void {
  const { field } = TensorProtoSchema
  for (const payload of [
    field.rawData,
    field.floatData,
    field.doubleData,
    field.int32Data,
    field.int64Data,
    field.uint64Data,
  ])
    clearField(tensor, payload)
}

/** onnxruntime maps a file by pages. */
const PAGE = 4096
const CACHE_LINE = 64

/** The file beside the model that gets the payloads of its weights, and of all tensors that were external. */
export class DataFile {
  readonly parts: Part[] = []
  readonly #location: string
  readonly #offsets = new Map<string, number>()
  #length = 0

  /** @param location its path relative to the model's folder */
  constructor(location: string) {
    this.#location = location
  }

  place(tensor: TensorProto, isWeight: boolean): PlacedTensor | undefined {
    const isEmbedded = externalEntry(tensor, FIELD_KEY) !== undefined
    if (isEmbedded && !isWeight) return placeAsRead(tensor)
    const content = rangeOf(tensor) ?? (isWeight ? largePayload(tensor) : undefined)
    if (!content) return undefined
    const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value })
    clearPayloads(tensor)
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL
    tensor.externalData = [
      entry('location', this.#location),
      entry('offset', String(this.#add(content))),
      entry('length', String(content.length)),
    ]
    return { tensor }
  }

  /** Adds a payload and returns its offset in bytes. Tensors that shared a range of a file share the payload. */
  #add(content: Part): number {
    const key = 'file' in content ? `${content.offset} ${content.length} ${content.file}` : undefined
    const known = key === undefined ? undefined : this.#offsets.get(key)
    if (known !== undefined) return known
    const unit = content.length >= PAGE ? PAGE : CACHE_LINE
    const offset = Math.ceil(this.#length / unit) * unit
    this.parts.push(new Uint8Array(offset - this.#length), content)
    this.#length = offset + content.length
    if (key !== undefined) this.#offsets.set(key, offset)
    return offset
  }
}

/** A payload in the message, such as int64_data, that is large enough to be moved. */
function largePayload(tensor: TensorProto): Uint8Array | undefined {
  const length = tensorByteLength(tensor.dataType, tensor.dims)
  if (length === undefined || length <= KEPT_BYTES) return undefined
  const bytes = embeddedBytes(tensor)
  return bytes.length === length ? bytes : undefined
}
