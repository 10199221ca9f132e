import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { readModel } from './read.ts'

/**
 * The SHA-256 of a model: for a model of one file, that of the file, as `sha256sum` prints it; with external data, that of the list of its files
 * with theirs. @throws the errors of `readModel`
 */
export async function modelHash(path: string): Promise<string> {
  const { sources } = await readModel(path)
  const each: string[] = []
  for (const { file } of sources) each.push(`${await hashOnce(file)}  ${basename(file)}\n`)
  const [own, ...others] = each
  return others.length === 0 ? own.slice(0, 64) : sha256(own + others.sort().join(''))
}

/** Hashes of files by what the system says of them, which changes with each write. */
const known = new Map<string, { readonly stamp: string; readonly hash: string }>()
/** A file that was written so lately may be written again at what is the same time for its system. */
const LATELY_MS = 2000

/** The hash of a file, which is read once as long as it is not written: reading a gigabyte takes more than a second. */
async function hashOnce(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = await stat(path, { bigint: true })
  const stamp = [dev, ino, size, mtimeNs, ctimeNs].join()
  const before = known.get(path)
  if (before?.stamp === stamp) return before.hash
  const hash = await fileHash(path)
  if (Date.now() - Number(ctimeMs) > LATELY_MS) known.set(path, { stamp, hash })
  return hash
}

export async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
