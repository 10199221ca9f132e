import type { Redis } from 'ioredis'
import { MissingPackageError } from '../../runtime/errors/install.ts'
import { ServeError } from '../../runtime/errors/serve.ts'

/** What several servers share: a Redis. */
export class SharedRedis {
  readonly client: Redis

  private constructor(client: Redis) {
    this.client = client
  }

  /** @throws ServeError if there is no Redis at this address, MissingPackageError */
  static async connect(address: string): Promise<SharedRedis> {
    if (!/^rediss?:\/\//.test(address))
      throw new ServeError(`${address} is no address of Redis.`, 'write redis://host:6379, or rediss:// for TLS')
    const { Redis } = await import('ioredis').catch((cause: unknown) => {
      throw new MissingPackageError('ioredis', cause, 'for servers that share their counts', 'npm install ioredis')
    })
    // A request does not wait for a Redis that is away.
    const client = new Redis(address, { lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 1 })
    let reason: unknown
    // Without a listener, each failed attempt to connect again would be printed.
    client.on('error', (error: unknown) => {
      reason = error
    })
    try {
      await client.connect()
    } catch (cause) {
      client.disconnect()
      throw new ServeError(
        `The Redis at ${new URL(address).host} can’t be reached: ${String((reason as Error | undefined)?.message ?? cause)}`,
        'check the address, and that it runs',
        cause,
      )
    }
    return new SharedRedis(client)
  }

  key(name: string): string {
    return `onnsight:serve:${name}`
  }

  close(): void {
    this.client.disconnect()
  }
}
