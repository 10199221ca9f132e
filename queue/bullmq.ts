import type * as BullMQ from 'bullmq'
import { MissingPackageError } from '../runtime/errors/install.ts'
import { QueueError } from '../runtime/errors/queue.ts'

/** Loads BullMQ and ioredis, which users install themselves. @throws MissingPackageError */
export async function bullmq(): Promise<typeof BullMQ> {
  try {
    await import('ioredis')
    return await import('bullmq')
  } catch (error) {
    throw new MissingPackageError('bullmq', error, 'for queues', 'npm install bullmq ioredis')
  }
}

/** The address of Redis, and the name of the queue in it: `redis://host:6379/0?name=mine`. */
export interface QueueAddress {
  readonly url: string
  readonly name: string
}

/** @throws QueueError for what is no address of Redis */
export function addressOf(text: string): QueueAddress {
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw notRedis(text, cause)
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') throw notRedis(text)
  const name = url.searchParams.get('name') ?? 'onnsight'
  if (!/^[\w-]+$/.test(name))
    throw new QueueError(`The name of a queue can’t be ${name}.`, 'use letters, digits, _ and -')
  url.search = ''
  return { url: String(url), name }
}

const notRedis = (text: string, cause?: unknown): QueueError =>
  new QueueError(`${text} is no address of Redis.`, 'write redis://host:6379, or rediss:// for TLS', cause)

/** The connection of a queue or a worker. It waits as long as Redis is away. */
export const connectionTo = ({ url }: QueueAddress): BullMQ.ConnectionOptions => ({ url, maxRetriesPerRequest: null })
