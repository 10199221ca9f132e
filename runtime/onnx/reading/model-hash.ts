import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { readModel } from './read.ts'

/**
 * The SHA-256 of a model: for a model of one file, that of the file, as `sha256sum` prints it; with external data, that of the list of its files
 * with theirs. @throws the errors of `readModel`
 */
export async function modelHash(path: string): Promise<string> {
  const { sources } = await readModel(path)
  const each: string[] = []
  for (const { file } of sources) each.push(`${await fileHash(file)}  ${basename(file)}\n`)
  const [own, ...others] = each
  return others.length === 0 ? own.slice(0, 64) : sha256(own + others.sort().join(''))
}

export async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
