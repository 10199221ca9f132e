import type { IncomingMessage } from 'node:http'
import { Refusal, unreadable } from './refusal.ts'

/** The largest size of a request in bytes, with the files that it contains. */
const MAX_BYTES = 256 * 2 ** 20

/** Reads the JSON of a request. @throws Refusal */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
    throw new Refusal(415, 'view-type', 'The request is not JSON.', 'send it as application/json')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BYTES)
      throw new Refusal(
        413,
        'view-size',
        `The request has more than ${MAX_BYTES / 2 ** 20} MiB.`,
        'pass smaller inputs, or use `onnsight run`',
      )
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown
  } catch (error) {
    throw unreadable(`The request is not valid JSON: ${(error as Error).message}.`, 'correct it')
  }
}
