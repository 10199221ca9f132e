/*
 * Messages between Node and a page, which can be large: JSON, behind which the elements of their typed arrays follow as they are.
 */

const ARRAYS = {
  Float32Array,
  Float64Array,
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
} as const

type ArrayName = keyof typeof ARRAYS

/** Each array begins at a multiple of this, so that it needs no copy. */
const ALIGNMENT = 8

/** What stands in the JSON for an array. */
interface Place {
  readonly $array: ArrayName
  readonly at: number
  readonly length: number
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

/** Packs a message of plain values and typed arrays. */
export function packed(message: unknown): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = []
  let end = 0
  const text = JSON.stringify(message, (_, value: unknown) => {
    if (!ArrayBuffer.isView(value)) return value
    const { buffer, byteOffset, byteLength } = value
    const at = aligned(end)
    parts.push(new Uint8Array(at - end), new Uint8Array(buffer, byteOffset, byteLength))
    end = at + byteLength
    const name = nameOf(value)
    return { $array: name, at, length: byteLength / ARRAYS[name].BYTES_PER_ELEMENT } satisfies Place
  })
  const json = new TextEncoder().encode(text)
  const start = aligned(4 + json.length)
  const whole = new Uint8Array(start + end)
  new DataView(whole.buffer).setUint32(0, json.length, true)
  whole.set(json, 4)
  let at = start
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Node's Buffer is a Uint8Array of another name. */
function nameOf(array: ArrayBufferView): ArrayName {
  const { name } = array.constructor
  return name in ARRAYS ? (name as ArrayName) : 'Uint8Array'
}

/** Reads a packed message. Its arrays are views of the bytes. */
export function unpacked(bytes: ArrayBuffer): unknown {
  const length = new DataView(bytes).getUint32(0, true)
  const start = aligned(4 + length)
  const text = new TextDecoder().decode(new Uint8Array(bytes, 4, length))
  return JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('$array' in value)) return value
    const { $array, at, length } = value as Place
    return new ARRAYS[$array](bytes, start + at, length)
  })
}
