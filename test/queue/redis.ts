import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** Whether Debian's redis-server is there. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0

/** A Redis of its own for a test, with an append-only file, so that it can be killed and started again. */
export class Redis {
  readonly #folder: string
  readonly #port: number
  #process: ChildProcess | undefined

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.#port = port
  }

  static async start(folder: string): Promise<Redis> {
    const redis = new Redis(folder, await freePort())
    await redis.start()
    return redis
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`
  }

  async start(): Promise<void> {
    const options = ['--port', String(this.#port), '--bind', '127.0.0.1', '--dir', this.#folder, '--save', '']
    this.#process = spawn('redis-server', [...options, '--appendonly', 'yes'], { stdio: 'ignore' })
    while (!(await answers(this.#port))) await wait(10)
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const ended = once(this.#process!, 'exit')
    this.#process!.kill('SIGKILL')
    await ended
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Whether Redis answers to a ping: while it reads its file it says that it is loading. */
function answers(port: number): Promise<boolean> {
  return new Promise(settle => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.on('error', () => settle(false))
    socket.on('data', data => {
      settle(String(data).startsWith('+PONG'))
      socket.destroy()
    })
    socket.on('close', () => settle(false))
  })
}
