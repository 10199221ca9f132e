import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { STRICT_LIMITS } from '../runtime/engine/limits/graph-limits.ts'
import { ServeError } from '../runtime/errors/serve.ts'
import { installPlatform } from '../runtime/node/platform.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { QuotaKeeper } from './access/quotas.ts'
import { userFinder } from './access/users.ts'
import { SERVE_OPTIONS, type ServeOptions } from './options.ts'
import { ModelProcess } from './process/model-process.ts'
import { makeApp } from './server/app.ts'
import { Measures } from './server/measures.ts'
import { ServedModel } from './server/served-model.ts'
import { spans } from './server/spans.ts'
import { ServerState } from './server/state.ts'
import { WaitingPlaces } from './shared/places.ts'
import { SharedRedis } from './shared/redis.ts'

/** A server that runs. */
export interface Server {
  /** `http://127.0.0.1:8000`. */
  readonly url: string
  /** The names of its models: `${url}/models/${name}` is the address of one. */
  readonly models: readonly string[]
  /** Takes no new requests, answers those that it has, and ends the models' processes. */
  close(): Promise<void>
}

/** Time beyond a graph's limit after which its process is ended. */
const GRACE_MS = 1000

/**
 * Serves models over HTTP: intervention graphs, and generation in OpenAI's form. Each model runs in a process of its own.
 * @param models files, folders or names of the hub; or an object that names them
 * @throws ServeError, MissingPackageError, and the errors of loading the models
 * @example
 * const server = await serve(['chars.onnx'], { port: 8000, tokens: { [secret]: 'ada' } })
 * const model = await load(`${server.url}/models/chars`, { token: secret })
 */
export async function serve(
  models: readonly string[] | Readonly<Record<string, string>>,
  unchecked: ServeOptions = {},
): Promise<Server> {
  installPlatform()
  const options = knownOptions('serve()', unchecked, SERVE_OPTIONS)
  const { host = '127.0.0.1', port = 0, maxBatch = 32, maxWaiting = 1000, memoryBytes } = options
  const limits = { ...STRICT_LIMITS, ...options.limits }
  const named = namesOf(models)
  const served = new Map<string, ServedModel>()
  const measures = await Measures.of(served)
  const span = await spans()
  const onBatch = (model: string, size: number, ms: number): void => measures.ran(model, size, ms)
  for (const [name, path] of named) {
    const process = new ModelProcess(path, options.load ?? {}, { memoryBytes })
    served.set(
      name,
      new ServedModel(name, process, { maxBatch, maxWaiting, timeoutMs: limits.timeMs + GRACE_MS, onBatch, span }),
    )
  }
  const findUser = await userFinder(options)
  const shared = options.redis === undefined ? undefined : await SharedRedis.connect(options.redis)
  const places = new WaitingPlaces(served, shared)
  const state = new ServerState(served, options, limits, await QuotaKeeper.of(options.quotas, shared), places)
  const app = await makeApp(state, findUser, measures)
  const release = (): void => {
    places.stop()
    shared?.close()
    for (const { process } of served.values()) process.release()
  }
  let url: string
  try {
    url = await app.listen({ host, port })
    await Promise.all([...served.values()].map(model => model.load()))
  } catch (error) {
    await app.close()
    release()
    throw error
  }
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    state.isClosing = true
    await Promise.all([...served.values()].map(({ queue }) => queue.idle()))
    await app.close()
    release()
  }
  return {
    url,
    models: [...served.keys()],
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/** Models by their names: that of the file without `.onnx`, or that of the folder. */
function namesOf(models: readonly string[] | Readonly<Record<string, string>>): Map<string, string> {
  const entries = Array.isArray(models)
    ? (models as readonly string[]).map(path => [basename(path).replace(/\.onnx$/, ''), path] as const)
    : Object.entries(models as Readonly<Record<string, string>>)
  if (entries.length === 0) throw new ServeError('There is no model to serve.', "name one: serve(['model.onnx'])")
  const named = new Map<string, string>()
  for (const [name, path] of entries) {
    const other = named.get(name)
    if (other !== undefined)
      throw new ServeError(
        `Two models are named ${name}: ${other} and ${path}.`,
        "name them: serve({ first: '…', second: '…' })",
      )
    if (path.endsWith('.onnx') && !existsSync(path)) throw new ServeError(`There is no file ${path}.`, 'check the path')
    named.set(name, path)
  }
  return named
}
