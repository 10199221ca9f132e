import type { ByteSource } from '../onnx/files/byte-source.ts'

/* The weights of loaded models, as Blobs: the browser may keep a Blob on the disk, and each read reads it again. */

const blobs = new Map<string, Blob>()
let count = 0

/** Returns a location for a Blob, by which its bytes can be read until `forgetBlob`. */
export function rememberBlob(blob: Blob): string {
  const location = `blob ${++count}`
  blobs.set(location, blob)
  return location
}

export function forgetBlob(location: string): void {
  blobs.delete(location)
}

export async function readBlobBytes(location: string, offset: number, length: number): Promise<Uint8Array> {
  const blob = blobs.get(location)
  if (!blob) throw new Error('The model that this weight belongs to was released.')
  const bytes = await bytesOf(blob, offset, length)
  if (bytes.length < length) throw new RangeError(`The file ends ${length - bytes.length} bytes early.`)
  return bytes
}

export function blobSource(blob: Blob): ByteSource {
  return { size: blob.size, read: (offset, length) => bytesOf(blob, offset, length) }
}

async function bytesOf(blob: Blob, offset: number, length: number): Promise<Uint8Array> {
  return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
}
