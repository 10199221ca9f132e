import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** `onnsight serve` in a process of its own, which can be killed and started again at the same port. */
export class ServerProcess {
  readonly port: number
  readonly #args: readonly string[]
  #process: ChildProcess | undefined

  constructor(port: number, args: readonly string[]) {
    this.port = port
    this.#args = args
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const command = ['dist/cli/onnsight.js', 'serve', ...this.#args, '--port', String(this.port), '--no-log']
    this.#process = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'inherit'] })
    while (!(await this.#isReady())) {
      if (this.#process.exitCode !== null) throw new Error('The server has ended.')
      await wait(20)
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.#process || this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = once(this.#process, 'exit')
    this.#process.kill(signal)
    await ended
  }

  async #isReady(): Promise<boolean> {
    return fetch(`${this.url}/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  }
}

/** A load balancer: each connection goes to the next port that takes it. */
export class Balancer {
  readonly #server: Server
  readonly #ports: readonly number[]
  #next = 0

  private constructor(ports: readonly number[]) {
    this.#ports = ports
    this.#server = createServer(socket => {
      const pass = (tries: number): void => {
        const to = connect(this.#ports[this.#next++ % this.#ports.length], '127.0.0.1')
        let isConnected = false
        to.once('connect', () => {
          isConnected = true
          socket.pipe(to).pipe(socket)
          to.on('close', () => socket.destroy())
          socket.on('close', () => to.destroy())
        })
        to.on('error', () => {
          if (isConnected || tries === 0) socket.destroy()
          else pass(tries - 1)
        })
      }
      socket.on('error', () => undefined)
      pass(this.#ports.length)
    })
  }

  static async start(ports: readonly number[]): Promise<Balancer> {
    const balancer = new Balancer(ports)
    balancer.#server.listen(0, '127.0.0.1')
    await once(balancer.#server, 'listening')
    return balancer
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { readonly port: number }).port}`
  }

  close(): void {
    this.#server.close()
  }
}
