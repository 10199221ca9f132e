import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'

/** The lines of a text file, which may be packed by gzip, with the number of bytes of the file that have been read. */
export async function* linesOf(path: string): AsyncGenerator<{ readonly line: string; readonly bytes: number }> {
  const file = createReadStream(path, { highWaterMark: 2 ** 18 })
  let bytes = 0
  file.on('data', chunk => {
    bytes += chunk.length
  })
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  // A stream that fails does not end its lines by itself.
  const failed = new Promise<never>((_, reject) => {
    for (const stream of [file, input]) stream.on('error', reject)
  })
  failed.catch(() => undefined)
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await Promise.race([lines.next(), failed])
      if (next.done) return
      yield { line: next.value, bytes }
    }
  } finally {
    file.destroy()
  }
}
