/** A file to be read in parts: on a disk, or in a browser. */
export interface ByteSource {
  readonly size: number
  /** At most `length` bytes from `offset`; fewer where the source gives fewer at a time, none at its end. */
  read(offset: number, length: number): Promise<Uint8Array>
}

/** Exactly these bytes. @throws RangeError if the source ends before, or where there is no room for so many */
export async function readBytes(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  await readInto(source, offset, bytes)
  return bytes
}

/** Fills `bytes`. @throws RangeError if the source ends before */
export async function readInto(source: ByteSource, offset: number, bytes: Uint8Array): Promise<void> {
  for (let filled = 0; filled < bytes.length; ) {
    const part = await source.read(offset + filled, bytes.length - filled)
    if (part.length === 0) throw new RangeError(`The file ends ${bytes.length - filled} bytes early.`)
    bytes.set(part, filled)
    filled += part.length
  }
}
