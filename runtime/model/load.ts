import { cutBlocks } from '../engine/blocks.ts'
import { Engine } from '../engine/engine.ts'
import { groupBlocks } from '../engine/groups.ts'
import { Program } from '../engine/program.ts'
import { nodeProvider } from '../engine/providers/node.ts'
import type { Provider } from '../engine/providers/provider.ts'
import { scan, type ValueShape } from '../engine/scan.ts'
import type { Weights } from '../engine/weights.ts'
import { OnnsightError } from '../errors/error.ts'
import { LoadOptionError, UnsupportedModelError } from '../errors/input.ts'
import { CudaUnavailableError } from '../errors/run.ts'
import { addAliases, type Renames } from '../names/aliases.ts'
import { findLayers } from '../names/layers.ts'
import { nearestNames } from '../names/nearest.ts'
import { Taps } from '../names/taps.ts'
import { ModuleTree } from '../names/tree.ts'
import { userCacheFolder } from '../onnx/cache-folder.ts'
import { inlineFunctions } from '../onnx/functions.ts'
import type { OnnxGraph } from '../onnx/graph.ts'
import { readModel } from '../onnx/read.ts'
import { openSidecar } from '../onnx/sidecar.ts'
import type { DataType } from '../tensor/dtype.ts'
import { LoadedModel } from './loaded.ts'
import { type Model, ModelHandle, type ModelMembers } from './model.ts'
import { type EngineMaker, Variants } from './variants.ts'

export interface LoadOptions {
  /** Where to run. @default 'cpu' */
  readonly provider?: 'cpu' | 'cuda'
  /** Which CUDA device. @default 0 */
  readonly deviceId?: number
  /** Use the CPU where CUDA is missing, instead of throwing. */
  readonly fallback?: 'cpu'
  /** Threads for one operator. @default onnxruntime's choice: one for each physical core */
  readonly threads?: number
  /** How many blocks to cut the model into; 1 is the whole graph in one session. @default one for each repeated layer, and its ends */
  readonly blocks?: number
  /**
   * Blocks that no intervention reaches inside run together, with at least so many bytes of weights in one session; 0 makes each block a
   * session of its own. @default 96 MiB; 0 if `blocks` is given
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
   * Other names for modules, beside their own: `{ mlp: 'feed_forward' }` for every module called so, `{ 'transformer.h': 'layers' }` for the
   * one at that path, which is found at the model then. Several names in an array.
   */
  readonly rename?: Renames
  /** Told after each step: reading, then each block's session. */
  readonly onProgress?: (done: number, total: number, what: string) => void
  /** Heard between steps. */
  readonly signal?: AbortSignal
}

const MIB = 1024 * 1024
/** Weights of a session for unedited blocks, at least: with less, starting it costs more than a few per cent of running it. */
const GROUP_BYTES = 96 * MIB
let programs = 0

/**
 * Opens an ONNX file. Weights stay in their files: onnxruntime maps them. `load<Chars>('chars.onnx')` takes its modules' types from what
 * `npx onnsight types chars.onnx` wrote.
 * @throws the errors of reading (ModelNotFoundError, NotOnnxError, TruncatedModelError, ExternalDataError, UnsupportedVersionError),
 * UnsupportedModelError for operators that onnxruntime lacks, CudaUnavailableError, CacheFolderError
 */
export async function load<M extends ModelMembers = Model>(path: string, options: LoadOptions = {}): Promise<M> {
  checkOptions(options)
  const { cacheFolder, signal, onProgress } = options
  signal?.throwIfAborted()
  const file = await readModel(path)
  onProgress?.(1, 2, 'read')
  const provider = await chooseProvider(options)
  const folder = cacheFolder === true ? userCacheFolder() : cacheFolder
  const sidecar = folder === undefined ? undefined : await openSidecar(file, folder, { signal })
  const variants = new Variants(
    { proto: inlineFunctions(file.message), sidecar },
    provider,
    engineMaker(path, provider, options),
  )
  const usual = await variants.usual()
  signal?.throwIfAborted()
  // Where inputs decide what the model is made of, its sessions are made when they are known.
  if (!variants.areMany) {
    await usual.engine.open((done, total) => onProgress?.(done + 1, total + 1, `session ${done} of ${total}`), signal)
  }
  const { signal: _signal, onProgress: _onProgress, ...plain } = options
  return new ModelHandle(new LoadedModel(file, variants, usual, plain)).proxy as unknown as M
}

function engineMaker(path: string, provider: Provider, options: LoadOptions): EngineMaker {
  const { sessionBytes = 256 * MIB, reuseBytes = 64 * MIB } = options
  const groupBytes = options.groupBytes ?? (options.blocks === undefined ? GROUP_BYTES : 0)
  let isOther = false
  return async (graph, weights) => {
    const shapes = await scanOpen(path, graph, weights, provider)
    const tree = new ModuleTree(graph)
    if (options.rename) addAliases(tree, options.rename, isOther)
    isOther = true
    const taps = new Taps(tree, name => shapes.get(name)?.type)
    const layers = findLayers(tree).map(layer => ({ label: layer.path, nodes: layer.nodes }))
    const blocks = cutBlocks(graph, layers, options.blocks)
    const groups = groupBlocks(graph, blocks, name => weights.externalBytes(name), groupBytes)
    const program = new Program({ id: `model ${++programs}`, graph, tree, taps, weights, blocks, groups, shapes })
    return new Engine(program, { provider, sessionBytes, reuseBytes, name: path })
  }
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
  rename: true,
  onProgress: true,
  signal: true,
}
const optionNames = Object.keys(known)

function checkOptions(options: LoadOptions): void {
  const { provider, threads, blocks, sessionBytes, reuseBytes, groupBytes, cacheFolder } = options
  if (cacheFolder !== undefined && cacheFolder !== true && (typeof cacheFolder !== 'string' || cacheFolder === '')) {
    throw new LoadOptionError(
      `The option cacheFolder is ${JSON.stringify(cacheFolder)}.`,
      'give the path of a folder, or true',
    )
  }
  for (const name of Object.keys(options)) {
    if (optionNames.includes(name)) continue
    const [near] = nearestNames(name, optionNames)
    throw new LoadOptionError(
      `There is no option ${name}.`,
      near ? `did you mean ${near}?` : `the options are ${optionNames.join(', ')}`,
    )
  }
  if (provider !== undefined && provider !== 'cpu' && provider !== 'cuda') {
    throw new LoadOptionError(`There is no provider ${JSON.stringify(provider)}.`, "use 'cpu' or 'cuda'")
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

/** CUDA fails only when a session is made: a tiny one tells. */
async function chooseProvider({ provider = 'cpu', deviceId = 0, threads, fallback }: LoadOptions): Promise<Provider> {
  const make = (device: 'cpu' | 'cuda'): Provider =>
    nodeProvider({ device, deviceId, ...(threads === undefined ? {} : { threads }) })
  if (provider === 'cpu') return make('cpu')
  const cuda = make('cuda')
  try {
    await cuda.probe()
    return cuda
  } catch (error) {
    if (error instanceof OnnsightError) throw error
    const unavailable = new CudaUnavailableError(error)
    if (fallback !== 'cpu') throw unavailable
    process.emitWarning(`${unavailable.message.split('\n')[0]} Running on the CPU.`, {
      type: 'OnnsightWarning',
      code: 'cuda-unavailable',
    })
    return make('cpu')
  }
}

/** Dtypes and fixed dims of all values; also finds what onnxruntime can't load before anything else is made. */
async function scanOpen(
  path: string,
  graph: OnnxGraph,
  weights: Weights,
  provider: Provider,
): Promise<Map<string, ValueShape>> {
  const inputs = graph.inputs.map(({ name, type, dims }) => ({ name, type: type as DataType | undefined, dims }))
  try {
    return await scan(graph, weights, provider, inputs)
  } catch (error) {
    if (error instanceof OnnsightError) throw error
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new UnsupportedModelError(path, reason + unknownNode(reason, graph), error)
  }
}

/** For an operator of a foreign domain onnxruntime names no node. */
function unknownNode(reason: string, graph: OnnxGraph): string {
  const found = /(\S+):(\w+)\(-?\d+\) is not a registered/.exec(reason)
  const node = found && graph.nodes.find(({ domain, opType }) => domain === found[1] && opType === found[2])
  return node ? `: the node ${node.name}` : ''
}
