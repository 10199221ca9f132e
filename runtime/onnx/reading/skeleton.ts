import {
  children,
  FIELD_KEY,
  KEPT_BYTES,
  type Kind,
  LOCATION_FIELD_KEY,
  type PayloadField,
  payloads,
} from '../message/fields-with-tensors.ts'
import { encodeVarint, type WireReader } from './wire.ts'

/**
 * Copies a model's message without its large tensor payloads. Each of them is replaced by an external_data reference with the location
 * `file`, its offset and length in bytes, and what `placeAsRead` needs to write it back as it was.
 * @throws RangeError if the file ends early or is no protobuf message
 */
export async function readSkeleton(reader: WireReader, file: string): Promise<Uint8Array> {
  return copyMessage(reader, 'model', reader.end, file)
}

async function copyMessage(reader: WireReader, kind: Kind, end: number, file: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  while (reader.position < end) {
    const tag = await readTag(reader)
    const child = tag.wire === 2 ? children[kind][tag.field] : undefined
    if (!child) {
      parts.push(...(await copyField(reader, tag, end)))
      continue
    }
    const length = await readLength(reader, end)
    const childEnd = reader.position + length
    // A small message contains no large payload, so it is copied unchanged.
    const content =
      length <= KEPT_BYTES
        ? await reader.bytes(length)
        : child === 'tensor'
          ? await cutTensor(reader, childEnd, file)
          : await copyMessage(reader, child, childEnd, file)
    parts.push(...lengthDelimited(tag.field, [content]))
  }
  if (reader.position !== end) throw new RangeError('A field runs past its message.')
  return concat(parts)
}

interface Payload {
  readonly field: PayloadField
  readonly offset: number
  readonly length: number
}

/** A tensor with a reference instead of its payload. One with two payloads, or a payload and external data, stays: no exporter writes such. */
async function cutTensor(reader: WireReader, end: number, file: string): Promise<Uint8Array> {
  const start = reader.position
  const parts: Uint8Array[] = []
  const found: Payload[] = []
  let dataLocation: Uint8Array[] | undefined
  let isOdd = false
  while (reader.position < end) {
    const tag = await readTag(reader)
    const payload = tag.wire === 2 ? payloads[tag.field] : undefined
    if (payload) {
      const length = await readLength(reader, end)
      if (length > KEPT_BYTES) {
        found.push({ field: payload, offset: reader.position, length })
        reader.skip(length)
      } else parts.push(...lengthDelimited(tag.field, [await reader.bytes(length)]))
    } else if (tag.field === DATA_LOCATION) {
      dataLocation = await copyField(reader, tag, end)
      if (dataLocation[1][0] !== 0) isOdd = true
    } else {
      if (tag.field === EXTERNAL_DATA) isOdd = true
      parts.push(...(await copyField(reader, tag, end)))
    }
  }
  if (reader.position !== end) throw new RangeError('A field runs past its message.')
  if (found.length === 0) return concat([...parts, ...(dataLocation ?? [])])
  if (isOdd || found.length > 1) {
    reader.position = start
    return reader.bytes(end - start)
  }
  return concat([...parts, ...reference(file, found[0], dataLocation !== undefined)])
}

const EXTERNAL_DATA = 13
const DATA_LOCATION = 14

/** external_data entries, and data_location = EXTERNAL, as bytes of a TensorProto. */
function reference(file: string, { field, offset, length }: Payload, hasLocation: boolean): Uint8Array[] {
  const entries: Record<string, string> = { location: file, offset: String(offset), length: String(length) }
  entries[FIELD_KEY] = field
  if (hasLocation) entries[LOCATION_FIELD_KEY] = 'DEFAULT'
  const parts: Uint8Array[] = []
  for (const [key, value] of Object.entries(entries))
    parts.push(...lengthDelimited(EXTERNAL_DATA, [...text(1, key), ...text(2, value)]))
  parts.push(encodeVarint(DATA_LOCATION * 8), encodeVarint(1))
  return parts
}

function text(field: number, value: string): Uint8Array[] {
  return lengthDelimited(field, [new TextEncoder().encode(value)])
}

function lengthDelimited(field: number, content: readonly Uint8Array[]): Uint8Array[] {
  const length = content.reduce((sum, part) => sum + part.length, 0)
  return [encodeVarint(field * 8 + 2), encodeVarint(length), ...content]
}

interface Tag {
  readonly field: number
  readonly wire: number
}

async function readTag(reader: WireReader): Promise<Tag> {
  const tag = await reader.varint()
  const field = Math.floor(tag / 8)
  if (field === 0) throw new RangeError('A field number of 0.')
  return { field, wire: tag % 8 }
}

async function readLength(reader: WireReader, end: number): Promise<number> {
  const length = await reader.varint()
  if (reader.position + length > end)
    throw new RangeError(`A field of ${length} bytes runs ${reader.position + length - end} bytes past the end.`)
  return length
}

/** Copies one field: its tag, its length if it has one, its content. */
async function copyField(reader: WireReader, { field, wire }: Tag, end: number): Promise<Uint8Array[]> {
  if (wire === 2) return lengthDelimited(field, [await reader.bytes(await readLength(reader, end))])
  const tag = encodeVarint(field * 8 + wire)
  if (wire === 0) return [tag, await readVarintBytes(reader)]
  if (wire === 1) return [tag, await reader.bytes(8)]
  if (wire === 5) return [tag, await reader.bytes(4)]
  throw new RangeError(`A wire type of ${wire}.`)
}

/** The bytes of a varint, undecoded, because its value may need 64 bits. */
async function readVarintBytes(reader: WireReader): Promise<Uint8Array> {
  const bytes: number[] = []
  for (let i = 0; i < 10; i++) {
    const [byte] = await reader.bytes(1)
    bytes.push(byte)
    if (byte < 0x80) return Uint8Array.from(bytes)
  }
  throw new RangeError('A varint of more than ten bytes.')
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
