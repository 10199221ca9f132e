import type { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { library } from './libraries.ts'
import type { ServedModel } from './served-model.ts'

/** What Prometheus reads of a server. */
export class Measures {
  readonly registry: Registry
  readonly #requests: Counter<'route' | 'status'>
  readonly #seconds: Histogram<'route'>
  readonly #tokens: Counter<'model'>
  readonly #batches: Histogram<'model'>
  readonly #runs: Histogram<'model'>

  private constructor(
    { Counter, Gauge, Histogram, Registry }: typeof import('prom-client'),
    models: ReadonlyMap<string, ServedModel>,
  ) {
    const registers = [new Registry()]
    this.registry = registers[0]
    const common = { registers }
    this.#requests = new Counter({
      name: 'onnsight_requests_total',
      help: 'Requests answered.',
      labelNames: ['route', 'status'],
      ...common,
    })
    this.#seconds = new Histogram({
      name: 'onnsight_request_seconds',
      help: 'Time of a request, with its wait.',
      labelNames: ['route'],
      ...common,
    })
    this.#tokens = new Counter({
      name: 'onnsight_tokens_total',
      help: 'Tokens of prompts and generated texts.',
      labelNames: ['model'],
      ...common,
    })
    this.#batches = new Histogram({
      name: 'onnsight_batch_requests',
      help: 'Requests that share a run.',
      labelNames: ['model'],
      buckets: [1, 2, 4, 8, 16, 32, 64],
      ...common,
    })
    this.#runs = new Histogram({
      name: 'onnsight_run_seconds',
      help: 'Time of a run.',
      labelNames: ['model'],
      ...common,
    })
    const waiting: Gauge<'model'> = new Gauge({
      name: 'onnsight_waiting_requests',
      help: 'Requests that wait.',
      labelNames: ['model'],
      collect: () => {
        for (const { name, queue } of models.values()) waiting.set({ model: name }, queue.length)
      },
      ...common,
    })
  }

  static async of(models: ReadonlyMap<string, ServedModel>): Promise<Measures> {
    return new Measures(await library('prom-client', () => import('prom-client')), models)
  }

  answered(route: string, status: number, seconds: number): void {
    this.#requests.inc({ route, status: String(status) })
    this.#seconds.observe({ route }, seconds)
  }

  ran(model: string, size: number, ms: number): void {
    this.#batches.observe({ model }, size)
    this.#runs.observe({ model }, ms / 1000)
  }

  tokens(model: string, count: number): void {
    this.#tokens.inc({ model }, count)
  }
}
