import type { ByteSource } from '../files/byte-source.ts'

/** Reads a protobuf file through a window, so that positions may lie beyond 2 GiB, and skipped payloads are never read. */
export class WireReader {
  readonly #source: ByteSource
  #window: Uint8Array = new Uint8Array(0)
  #windowStart = 0
  position = 0

  constructor(source: ByteSource) {
    this.#source = source
  }

  get end(): number {
    return this.#source.size
  }

  /** Reads a base-128 varint. It multiplies, because shifts end at 32 bits. @throws RangeError at the end of the file */
  async varint(): Promise<number> {
    let value = 0
    let scale = 1
    for (let i = 0; i < 10; i++) {
      const byte = await this.#byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    throw new RangeError('A varint of more than ten bytes.')
  }

  async bytes(length: number): Promise<Uint8Array> {
    const target = new Uint8Array(length)
    let filled = 0
    while (filled < length) {
      await this.#need()
      const from = this.position - this.#windowStart
      const part = this.#window.subarray(from, Math.min(this.#window.length, from + length - filled))
      target.set(part, filled)
      filled += part.length
      this.position += part.length
    }
    return target
  }

  /** @throws RangeError if fewer bytes than that remain */
  skip(length: number): void {
    if (this.position + length > this.end)
      throw new RangeError(`The file ends ${this.position + length - this.end} bytes early.`)
    this.position += length
  }

  async #byte(): Promise<number> {
    await this.#need()
    return this.#window[this.position++ - this.#windowStart]
  }

  /** Moves the window so that it contains the byte at `position`. */
  async #need(): Promise<void> {
    if (this.position >= this.#windowStart && this.position < this.#windowStart + this.#window.length) return
    if (this.position >= this.end) throw new RangeError('The file ends within a message.')
    const window = await this.#source.read(this.position, Math.min(WINDOW, this.end - this.position))
    if (window.length === 0) throw new RangeError('The file ends within a message.')
    this.#window = window
    this.#windowStart = this.position
  }
}

const WINDOW = 256 * 1024

/** A number as a varint. */
export function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) | 0x80)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Uint8Array.from(bytes)
}
