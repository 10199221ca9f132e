/** A file that is read in parts, on a disk or in a browser. */
export interface ByteSource {
  readonly size: number
  /** Reads up to `length` bytes from `offset`; none at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>
}

/** Reads exactly `length` bytes. @throws RangeError if the source ends earlier, or if so many can't be allocated */
export async function readBytes(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  await readInto(source, offset, bytes)
  return bytes
}

/** Fills `bytes`. @throws RangeError if the source ends earlier */
export async function readInto(source: ByteSource, offset: number, bytes: Uint8Array): Promise<void> {
  for (let filled = 0; filled < bytes.length; ) {
    const part = await source.read(offset + filled, bytes.length - filled)
    if (part.length === 0) throw new RangeError(`The file ends ${bytes.length - filled} bytes early.`)
    bytes.set(part, filled)
    filled += part.length
  }
}
