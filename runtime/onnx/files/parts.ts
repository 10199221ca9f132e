import { type FileHandle, open } from 'node:fs/promises'
import { ExternalDataError } from '../../errors/onnx.ts'

/** A part of a file to be written: bytes, or a range of another file. */
export type Part = Uint8Array | FileRange

export interface FileRange {
  readonly file: string
  readonly offset: number
  readonly length: number
}

export function byteLength(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

const WINDOW = 4 * 1024 * 1024
const ZEROS = new Uint8Array(WINDOW)

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined
  /** Where the first part begins. @default 0 */
  readonly from?: number
}

/**
 * Writes parts one after the other, as the end of the file, and returns the file's size. They go through one buffer, so that ranges may have
 * any size and lie beyond 2 GiB. Zeros that fill the buffer become a hole in the file.
 * @throws ExternalDataError if a range's file has become shorter, the signal's reason, or what the file system throws
 */
export async function writeParts(
  target: FileHandle,
  parts: readonly Part[],
  { signal, from = 0 }: WriteOptions = {},
): Promise<number> {
  const window = new Uint8Array(WINDOW)
  const sources = new Map<string, FileHandle>()
  let filled = 0
  let position = from
  const flush = async (): Promise<void> => {
    signal?.throwIfAborted()
    const isHole = filled === WINDOW && Buffer.compare(window, ZEROS) === 0
    for (let at = isHole ? filled : 0; at < filled; ) {
      at += (await target.write(window, at, filled - at, position + at)).bytesWritten
    }
    position += filled
    filled = 0
  }
  try {
    for (const part of parts) {
      let source: FileHandle | undefined
      if ('file' in part) {
        source = sources.get(part.file) ?? (await open(part.file))
        sources.set(part.file, source)
      }
      for (let at = 0; at < part.length; ) {
        const space = Math.min(WINDOW - filled, part.length - at)
        const read =
          'file' in part
            ? await readInto(window.subarray(filled, filled + space), source!, part, at)
            : copyInto(window, filled, part.subarray(at, at + space))
        at += read
        filled += read
        if (filled === WINDOW) await flush()
      }
    }
    await flush()
    await target.truncate(position)
    return position
  } finally {
    for (const source of sources.values()) await source.close()
  }
}

function copyInto(window: Uint8Array, at: number, bytes: Uint8Array): number {
  window.set(bytes, at)
  return bytes.length
}

async function readInto(target: Uint8Array, source: FileHandle, range: FileRange, at: number): Promise<number> {
  const { bytesRead } = await source.read(target, 0, target.length, range.offset + at)
  if (bytesRead > 0) return bytesRead
  throw new ExternalDataError(
    `${range.file} is shorter than it was when the model was loaded: the weights in it end early.`,
    'load the model again',
  )
}
