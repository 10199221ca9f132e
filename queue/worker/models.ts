import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { QueueError } from '../../runtime/errors/queue.ts'
import { load } from '../../runtime/index.ts'
import type { LoadOptions } from '../../runtime/model/loaded/load-options.ts'
import type { Model } from '../../runtime/model/model.ts'
import { fileHash, modelHash } from '../../runtime/onnx/reading/model-hash.ts'
import type { JobModel } from '../jobs.ts'

/** The models of a worker, by hash. Each is found and loaded once, and none is freed while a job uses it. */
export class WorkerModels {
  readonly #paths: readonly string[]
  readonly #folder: string
  readonly #options: () => LoadOptions
  readonly #models = new Map<string, Promise<Model>>()
  readonly #uses = new Set<Promise<unknown>>()
  #hashes: Promise<ReadonlyMap<string, string>> | undefined
  #releasing: Promise<void> | undefined

  /**
   * @param paths .onnx files that the worker has
   * @param folder where models are kept that are fetched from an address
   * @param options how a model is loaded now
   */
  constructor(paths: readonly string[], folder: string, options: () => LoadOptions) {
    this.#paths = paths
    this.#folder = folder
    this.#options = options
  }

  /** Runs something with the model of a job. @throws QueueError if no file of its hash can be had here */
  async use<T>(of: JobModel, run: (model: Model) => Promise<T>): Promise<T> {
    // A model that is loaded while another is still to be freed would make two.
    while (this.#releasing) await this.#releasing
    const using = this.#get(of).then(run)
    this.#uses.add(using)
    try {
      return await using
    } finally {
      this.#uses.delete(using)
    }
  }

  #get(of: JobModel): Promise<Model> {
    let model = this.#models.get(of.sha256)
    if (!model) {
      model = this.#find(of).then(path => load(path, this.#options()))
      this.#models.set(of.sha256, model)
      model.catch(() => this.#models.delete(of.sha256))
    }
    return model
  }

  async #find({ sha256, source }: JobModel): Promise<string> {
    this.#hashes ??= hashesOf(this.#paths)
    const own = (await this.#hashes).get(sha256)
    if (own !== undefined) return own
    if (/^https?:/.test(source)) return this.#fetch(sha256, source)
    const found = await modelHash(source).catch(() => undefined)
    if (found === sha256) return source
    throw new QueueError(
      found === undefined
        ? `The model ${source} is not on this worker.`
        : `The file ${source} is another model here: its SHA-256 is ${found.slice(0, 12)}…, not ${sha256.slice(0, 12)}….`,
      'give the worker the file: onnsight worker --models model.onnx',
    )
  }

  async #fetch(sha256: string, source: string): Promise<string> {
    const path = join(this.#folder, `${sha256}.onnx`)
    if ((await fileHash(path).catch(() => undefined)) === sha256) return path
    await mkdir(this.#folder, { recursive: true })
    const temporary = `${path}.${process.pid}.tmp`
    try {
      const response = await fetch(source)
      if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`)
      await pipeline(Readable.fromWeb(response.body as never), createWriteStream(temporary))
      const found = await fileHash(temporary)
      if (found !== sha256) throw new Error(`its SHA-256 is ${found.slice(0, 12)}…, not ${sha256.slice(0, 12)}…`)
      await rename(temporary, path)
      return path
    } catch (cause) {
      await rm(temporary, { force: true })
      throw new QueueError(
        `The model ${source} can’t be fetched: ${(cause as Error).message}.`,
        'check the address',
        cause,
      )
    }
  }

  /** Frees all models as soon as no job uses one, to be loaded again when they are needed. Jobs that come meanwhile wait. */
  release(): Promise<void> {
    this.#releasing ??= this.#release().finally(() => {
      this.#releasing = undefined
    })
    return this.#releasing
  }

  async #release(): Promise<void> {
    await Promise.allSettled(this.#uses)
    const models = [...this.#models.values()]
    this.#models.clear()
    for (const model of models) await (await model.catch(() => undefined))?.release()
  }
}

async function hashesOf(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const path of paths) found.set(await modelHash(path), path)
  return found
}
