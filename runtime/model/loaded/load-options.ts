import { LoadOptionError } from '../../errors/input.ts'
import type { Renames } from '../../names/aliases.ts'
import { knownOptions } from '../../tensor/arguments/known-options.ts'

/** Options of `load()`: see docs/running.md. */
export interface LoadOptions {
  /**
   * The execution provider: in Node 'cpu' or 'cuda', in a browser 'wasm' or 'webgpu'. In Node these two run in a headless Chromium, to compare
   * them with the others. @default 'cpu', or 'wasm'
   */
  readonly provider?: 'cpu' | 'cuda' | 'wasm' | 'webgpu'
  /** The number of the CUDA device. @default 0 */
  readonly deviceId?: number
  /** The provider to use if CUDA or WebGPU is missing. Without it, `load` throws then. */
  readonly fallback?: 'cpu' | 'wasm'
  /** Threads for one operator. @default onnxruntime's choice: one for each physical core */
  readonly threads?: number
  /**
   * onnxruntime's level of graph optimisation for the sessions that run the model. With less than all, results can be compared with those of
   * the graph as it stands. @default 'all'
   */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all'
  /**
   * In Node: the folder of another onnxruntime-node, such as another version of it. The model's sessions then run there, in a process of
   * their own. @default the onnxruntime-node that is installed
   */
  readonly runtime?: string
  /** The number of blocks; 1 is the whole graph in one session. @default one for each repeated layer, one before and one after them */
  readonly blocks?: number
  /**
   * The least bytes of weights in one session: blocks that no intervention reaches inside run together in such sessions. With 0, each block
   * has a session of its own. @default 96 MiB; 0 if `blocks` is given, and in a browser
   */
  readonly groupBytes?: number
  /** Bytes of sessions kept for interventions. @default 256 MiB */
  readonly sessionBytes?: number
  /** Bytes of kept block results, with which blocks before an edit need not run again on the same inputs; 0 keeps none. @default 64 MiB */
  readonly reuseBytes?: number
  /**
   * In Node: a folder for a copy of the weights, made once, with each weight at the start of a page, and a second time as onnxruntime packs
   * it for this processor. All sessions of the model, in all processes, map it: the packed weights take no memory of their own, which is
   * as much as the weights otherwise, the model loads faster, and edits have packed weights after a few runs. It takes twice the weights'
   * size on the disk, and up to three times while it is made. Results are the same to the last bit. With CUDA or `runtime`, the copy has
   * the weights only once, and only if they are not aligned in the model's own file. Its files may be deleted at any time. `true` means
   * the user's cache folder. @default none
   */
  readonly cacheFolder?: string | true
  /**
   * In a browser: whether to keep a fetched model in the browser's cache, and use that copy if the model at its address has not changed.
   * @default true
   */
  readonly keep?: boolean
  /**
   * Other names for modules, which keep their own: `{ mlp: 'feed_forward' }` renames every module `mlp`, `{ 'transformer.h': 'layers' }` lets
   * the module at that path be found as `model.layers`. An array gives several names.
   */
  readonly rename?: Renames
  /**
   * In Node: a folder for onnxruntime's profile of each session that runs the model, `session-1_DATE.json` for chrome://tracing, and the
   * optimised graph, `session-1.onnx`. They are complete after `release()`. `npx onnsight profile` reads them. @default none
   */
  readonly profileFolder?: string
  /**
   * Called after each step: reading, then each session. While a browser fetches a model, `what` is 'fetched' and the numbers are bytes; the
   * total is Infinity until the end if the server does not tell it, as for a compressed response.
   */
  readonly onProgress?: (done: number, total: number, what: string) => void
  /** Checked between steps. Aborting rejects with `signal.reason`. */
  readonly signal?: AbortSignal
}

/** The names of all options, as an object so that the type checker finds a missing one. */
const known: Readonly<Record<keyof LoadOptions, true>> = {
  provider: true,
  deviceId: true,
  fallback: true,
  threads: true,
  optimization: true,
  runtime: true,
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
/** onnxruntime's levels of graph optimisation. */
const levels: readonly string[] = ['disabled', 'basic', 'extended', 'all']

export const optionNames: readonly string[] = Object.keys(known)

/** Checks the options for this platform. @throws UnknownOptionError; LoadOptionError for a value that an option can't have here */
export function checkLoadOptions(options: LoadOptions, providers: readonly string[]): void {
  const { provider, threads, blocks, sessionBytes, reuseBytes, groupBytes, cacheFolder, profileFolder } = options
  const { optimization, runtime } = options
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
  if (optimization !== undefined && !levels.includes(optimization)) {
    throw new LoadOptionError(
      `The option optimization is ${JSON.stringify(optimization)}.`,
      `use ${levels.map(level => `'${level}'`).join(' or ')}`,
    )
  }
  if (runtime !== undefined && (typeof runtime !== 'string' || runtime === '')) {
    throw new LoadOptionError(
      `The option runtime is ${JSON.stringify(runtime)}.`,
      'give the path of a folder with an onnxruntime-node',
    )
  }
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
