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
import { tensorByteLength } from '../message/tensor-type.ts'
import { embeddedBytes } from '../message/tensor-value.ts'
import {
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from '../schema/onnx_pb.ts'
import type { Placed } from './encode.ts'

/** Where a tensor's payload lies, if it is not in the message. */
export function rangeOf(tensor: TensorProto): FileRange | undefined {
  const file = externalEntry(tensor, 'location')
  if (file === undefined) return undefined
  const [offset = 0, length = 0] = ['offset', 'length'].map(key => Number(externalEntry(tensor, key) ?? 0))
  return { file, offset, length }
}

/** As it was read: a payload goes back into the field it was cut from, external data stays at the location that was written. */
export function placeAsRead(tensor: TensorProto): Placed | undefined {
  const field = externalEntry(tensor, FIELD_KEY)
  if (field !== undefined) return embed(tensor, field as PayloadField)
  const end = tensor.externalData.findIndex(({ key }) => key === WRITTEN_LOCATION_KEY)
  if (end < 0) return undefined
  const location = tensor.externalData.find(({ key }) => key === 'location')
  if (location) location.value = tensor.externalData[end].value
  tensor.externalData.splice(end)
  return { tensor }
}

/** In the model's own file. */
export function placeEmbedded(tensor: TensorProto): Placed | undefined {
  if (externalEntry(tensor, 'location') === undefined) return undefined
  const field = externalEntry(tensor, FIELD_KEY)
  if (field !== undefined) return embed(tensor, field as PayloadField)
  clearPayloads(tensor)
  return embed(tensor, 'raw_data')
}

function embed(tensor: TensorProto, field: PayloadField): Placed {
  const content = rangeOf(tensor)!
  const hadLocation = externalEntry(tensor, LOCATION_FIELD_KEY) !== undefined
  tensor.externalData = []
  if (hadLocation) tensor.dataLocation = TensorProto_DataLocation.DEFAULT
  else clearField(tensor, TensorProtoSchema.field.dataLocation)
  return { tensor, payload: { field, content } }
}

/** A tensor has one payload: what lies beside external data is ignored by all readers. */
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

/** One file beside the model that holds the payloads of its weights, and of what was external before. */
export class DataFile {
  readonly parts: Part[] = []
  readonly #location: string
  readonly #offsets = new Map<string, number>()
  #length = 0

  /** @param location its name, from the model's folder */
  constructor(location: string) {
    this.#location = location
  }

  place(tensor: TensorProto, isWeight: boolean): Placed | undefined {
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

  /** The offset. Tensors that shared their bytes share them still. */
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

/** A payload that is in the message, such as int64_data, if it is worth moving. */
function largePayload(tensor: TensorProto): Uint8Array | undefined {
  const length = tensorByteLength(tensor.dataType, tensor.dims)
  if (length === undefined || length <= KEPT_BYTES) return undefined
  const bytes = embeddedBytes(tensor)
  return bytes.length === length ? bytes : undefined
}
