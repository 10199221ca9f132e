import { LoadOptionError } from '../../errors/input.ts'
import type { Renames } from '../../names/aliases.ts'
import { knownOptions } from '../../tensor/arguments/known-options.ts'

/** How a model is opened, cut and kept: see docs/running.md. */
export interface LoadOptions {
  /** Where to run: in Node 'cpu' or 'cuda', in a browser 'wasm' or 'webgpu'. @default 'cpu', or 'wasm' */
  readonly provider?: 'cpu' | 'cuda' | 'wasm' | 'webgpu'
  /** Which CUDA device. @default 0 */
  readonly deviceId?: number
  /** What to use where CUDA, or WebGPU, is missing, instead of throwing. */
  readonly fallback?: 'cpu' | 'wasm'
  /** Threads for one operator. @default onnxruntime's choice: one for each physical core */
  readonly threads?: number
  /** How many blocks to cut the model into; 1 is the whole graph in one session. @default one for each repeated layer, and its ends */
  readonly blocks?: number
  /**
   * Blocks that no intervention reaches inside run together, with at least so many bytes of weights in one session; 0 makes each block a
   * session of its own. @default 96 MiB; 0 if `blocks` is given, and in a browser
   */
  readonly groupBytes?: number
  /** Bytes of sessions kept for interventions. @default 256 MiB */
  readonly sessionBytes?: number
  /** Bytes of block results kept, so that blocks before an edit need not run again on the same inputs; 0 keeps none. @default 64 MiB */
  readonly reuseBytes?: number
  /**
   * A folder for a copy of the weights with each at the start of a page, made once: blocks that interventions rebuild run some per
   * cent faster on it. Worth its disk space for a model that is opened again and again, and whose weights lie inside the .onnx file. The
   * files there may be deleted at any time. `true` is a folder of the user's. @default none
   */
  readonly cacheFolder?: string | true
  /**
   * In a browser: whether a model that was fetched is kept in its cache, and taken from there when it is loaded again and has not
   * changed at its address. @default true
   */
  readonly keep?: boolean
  /**
   * Other names for modules, beside their own: `{ mlp: 'feed_forward' }` for every module called so, `{ 'transformer.h': 'layers' }` for the
   * one at that path, which is found at the model then. Several names in an array.
   */
  readonly rename?: Renames
  /**
   * In Node: a folder for onnxruntime's own profile of each session that runs the model: `session-1_DATE.json`, for chrome://tracing, and
   * `session-1.onnx`, the graph as it was optimised. They are whole after `release()`. `npx onnsight profile` reads them. @default none
   */
  readonly profileFolder?: string
  /** Told after each step: reading, then each block's session. In a browser, while a model is fetched, `what` is 'fetched' and the numbers are bytes; the total is Infinity until the end where the server does not say, as one that compresses. */
  readonly onProgress?: (done: number, total: number, what: string) => void
  /** Heard between steps. */
  readonly signal?: AbortSignal
}

/** One of each, so that an option can't be forgotten here. */
const known: Readonly<Record<keyof LoadOptions, true>> = {
  provider: true,
  deviceId: true,
  fallback: true,
  threads: true,
  blocks: true,
  groupBytes: true,
  sessionBytes: true,
  reuseBytes: true,
  cacheFolder: true,
  keep: true,
  rename: true,
  profileFolder: true,
  onProgress: true,
  signal: true,
}
const optionNames = Object.keys(known)

/** @throws LoadOptionError for an option that there is not, or a value that it can't have, here */
export function checkLoadOptions(options: LoadOptions, providers: readonly string[]): void {
  const { provider, threads, blocks, sessionBytes, reuseBytes, groupBytes, cacheFolder, profileFolder } = options
  if (profileFolder !== undefined && (typeof profileFolder !== 'string' || profileFolder === '')) {
    throw new LoadOptionError(
      `The option profileFolder is ${JSON.stringify(profileFolder)}.`,
      'give the path of a folder',
    )
  }
  if (cacheFolder !== undefined && cacheFolder !== true && (typeof cacheFolder !== 'string' || cacheFolder === '')) {
    throw new LoadOptionError(
      `The option cacheFolder is ${JSON.stringify(cacheFolder)}.`,
      'give the path of a folder, or true',
    )
  }
  knownOptions('load()', options, optionNames)
  if (provider !== undefined && !providers.includes(provider)) {
    throw new LoadOptionError(
      `There is no provider ${JSON.stringify(provider)} here.`,
      `use ${providers.map(name => `'${name}'`).join(' or ')}`,
    )
  }
  for (const [name, value, least] of [
    ['threads', threads, 1],
    ['blocks', blocks, 1],
    ['sessionBytes', sessionBytes, 0],
    ['reuseBytes', reuseBytes, 0],
    ['groupBytes', groupBytes, 0],
  ] as const) {
    if (value !== undefined && !(Number.isInteger(value) && value >= least)) {
      throw new LoadOptionError(`The option ${name} is ${value}.`, `give an integer of ${least} or more`)
    }
  }
}
