import { RemoteError } from '../errors/remote.ts'
import { knownOptions } from '../tensor/arguments/known-options.ts'
import { traceOf } from '../tracing/current-trace.ts'
import { type Backend, ExecutionBackend, type Tracer } from '../tracing/tracer.ts'
import { ask, type RemoteModel } from './client.ts'
import { RemoteRunner } from './runner.ts'

/** Options of a `RemoteBackend`. */
export interface RemoteOptions {
  /** The token that the server knows you by. */
  readonly token?: string
  /** The model's name on the server. @default the one in the address, or the only one of the server */
  readonly model?: string
}

/**
 * Runs traces on a server that `onnsight serve` started. The block is recorded here, with the model's graph; the recording is sent as data,
 * and the values come back. The server's model must be the same as the one here, which needs no weights: `load(url)`.
 * @example
 * const backend = new RemoteBackend('http://localhost:8000/models/chars', { token })
 * await trace(model, inputs, { backend }, () => model.lm_head.output)
 */
export class RemoteBackend implements Backend {
  readonly #url: string
  readonly #options: RemoteOptions
  #model: Promise<RemoteModel> | undefined

  constructor(url: string | URL, options: RemoteOptions = {}) {
    this.#url = String(url).replace(/\/+$/, '')
    this.#options = knownOptions('RemoteBackend()', options, ['token', 'model'])
  }

  /** Records the block here and runs the recording there. @throws RemoteError, and the errors of the run */
  run(tracer: Tracer): Promise<unknown> {
    traceOf(tracer).useRunner(
      new RemoteRunner(() => {
        this.#model ??= findModel(this.#url, this.#options)
        return this.#model
      }),
    )
    return new ExecutionBackend().run(tracer)
  }
}

/** The address of the model: that of a model itself, or of a server with one model, or with the model that is named. */
export async function findModel(url: string, { token, model }: RemoteOptions): Promise<RemoteModel> {
  const base = url.replace(/\/+$/, '')
  if (/\/models\/[^/]+$/.test(base)) return { url: base, token }
  if (model !== undefined) return { url: `${base}/models/${encodeURIComponent(model)}`, token }
  const { models } = (await (await ask({ url: base, token }, '/models')).json()) as { models: { name: string }[] }
  if (models.length === 1) return { url: `${base}/models/${encodeURIComponent(models[0].name)}`, token }
  throw new RemoteError(
    `The server ${base} has the models ${models.map(({ name }) => name).join(', ')}.`,
    `name one: ${base}/models/${models[0]?.name ?? 'NAME'}`,
  )
}
