import { encodeVarint, type WireReader } from './wire.ts'

/** Payloads up to this size stay in the message: names, shapes, small constants. */
export const KEPT_BYTES = 1024

/** Where a tensor's elements lie in a file that was read: in place of the bytes themselves. */
export type PayloadField = 'raw_data' | 'float_data' | 'double_data'

type Kind = 'model' | 'graph' | 'node' | 'attribute' | 'tensor' | 'sparse' | 'function'

/** By message and field number: the kind of message to walk into. All else is copied as it is. */
const children: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  model: { 7: 'graph', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  function: { 7: 'node' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: {},
}

/** Packed little-endian payloads of a TensorProto, which onnxruntime can map where they lie. */
const payloads: Readonly<Record<number, PayloadField>> = { 9: 'raw_data', 4: 'float_data', 10: 'double_data' }

/**
 * Copies a model's message without its large tensor payloads. Each one cut leaves an external_data reference behind, with the
 * location `file`, its offset and its length, and the key `onnsight.field` for writing it back as it was.
 * @throws RangeError if the file ends early or is no protobuf message
 */
export async function readSkeleton(reader: WireReader, file: string): Promise<Uint8Array> {
  return concat(await walk(reader, 'model', reader.end, file))
}

async function walk(reader: WireReader, kind: Kind, end: number, file: string): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = []
  while (reader.position < end) {
    const tag = await reader.varint()
    const field = Math.floor(tag / 8)
    const wire = tag % 8
    if (field === 0) throw new RangeError('A field number of 0.')
    parts.push(encodeVarint(tag))
    if (wire === 0) parts.push(encodeVarint64(await readVarintBytes(reader)))
    else if (wire === 1) parts.push(await reader.bytes(8))
    else if (wire === 5) parts.push(await reader.bytes(4))
    else if (wire === 2) await lengthDelimited(reader, kind, field, end, file, parts)
    else throw new RangeError(`A wire type of ${wire}.`)
  }
  if (reader.position !== end) throw new RangeError('A field runs past its message.')
  return parts
}

async function lengthDelimited(
  reader: WireReader,
  kind: Kind,
  field: number,
  end: number,
  file: string,
  parts: Uint8Array[],
): Promise<void> {
  const length = await reader.varint()
  if (reader.position + length > end)
    throw new RangeError(`A field of ${length} bytes runs ${reader.position + length - end} bytes past the end.`)
  const payload = kind === 'tensor' ? payloads[field] : undefined
  if (payload && length > KEPT_BYTES) {
    parts.pop()
    parts.push(...reference(file, reader.position, length, payload))
    reader.skip(length)
    return
  }
  const child = children[kind][field]
  // A small message holds no large payload: it is copied whole.
  const content =
    child && length > KEPT_BYTES
      ? await walk(reader, child, reader.position + length, file)
      : [await reader.bytes(length)]
  parts.push(encodeVarint(content.reduce((sum, part) => sum + part.length, 0)), ...content)
}

/** external_data entries (field 13) and data_location = EXTERNAL (field 14), as bytes of a TensorProto. */
function reference(file: string, offset: number, length: number, field: PayloadField): Uint8Array[] {
  const entries = { location: file, offset: String(offset), length: String(length), [FIELD_KEY]: field }
  const parts: Uint8Array[] = []
  for (const [key, value] of Object.entries(entries)) {
    const entry = concat([text(1, key), text(2, value)])
    parts.push(encodeVarint(13 * 8 + 2), encodeVarint(entry.length), entry)
  }
  parts.push(encodeVarint(14 * 8), encodeVarint(1))
  return parts
}

/** The entry that says which field an embedded payload was cut from. It is never written to a file. */
export const FIELD_KEY = 'onnsight.field'

function text(field: number, value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value)
  return concat([encodeVarint(field * 8 + 2), encodeVarint(bytes.length), bytes])
}

/** A varint's own bytes: copied, as its value may need 64 bits. */
async function readVarintBytes(reader: WireReader): Promise<number[]> {
  const bytes: number[] = []
  for (let i = 0; i < 10; i++) {
    const [byte] = await reader.bytes(1)
    bytes.push(byte)
    if (byte < 0x80) return bytes
  }
  throw new RangeError('A varint of more than ten bytes.')
}

const encodeVarint64 = (bytes: number[]): Uint8Array => Uint8Array.from(bytes)

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
