import { CacheTooLargeError } from '../errors/files.ts'
import { AmbiguousTapError, NoTapError, UnknownModuleError, UnknownNameError } from '../errors/names.ts'
import { nearestNames } from '../errors/nearest-names.ts'
import { showDims } from '../errors/tensor.ts'
import { SaveError, SkippedError, TraceArgumentsError } from '../errors/trace.ts'
import type { Tap } from '../graph/expression.ts'
import { pathsOf } from '../names/aliases.ts'
import { resolvePath } from '../names/resolve.ts'
import type { ModuleNode, ModuleTree } from '../names/tree.ts'
import { refuseSurplus } from '../tensor/arguments/check-arguments.ts'
import { knownOptions } from '../tensor/arguments/known-options.ts'
import { bytesOf } from '../tensor/dtypes/dtype.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { writeTensors } from '../tensor-files/platform-writer.ts'
import { currentTrace } from '../tracing/current-trace.ts'
import { RunningTrace } from '../tracing/running-trace.ts'
import { currentSession } from '../tracing/scopes/session-scope.ts'
import { handleOf, type ModuleBase } from './modules/module.ts'

/** A module, or its path. A list (`transformer.h`) means its layers. */
export type ModuleChoice = ModuleBase | string

/** Options of `cache()`: which activations it keeps, and where. */
export interface CacheOptions {
  /** The modules to keep. @default all */
  readonly modules?: ModuleChoice | readonly ModuleChoice[]
  /** Called with each module's path; keeps those for which it returns true: `path => path.endsWith('.mlp')`. */
  readonly where?: (path: string) => boolean
  /** Whether to keep inputs too. @default false */
  readonly inputs?: boolean
  /** A safetensors file to write to instead of memory, with names such as `transformer.h.0.output`. */
  readonly file?: string
  /** The most bytes to keep. For more, the trace throws CacheTooLargeError before anything runs. @default 4 GiB */
  readonly maxBytes?: number
}

/** A module's activations after all writes of the trace. */
export interface CachedModule {
  /** The value that leaves the module; undefined if several do: see `outputs`. */
  readonly output?: Tensor
  /** The values that leave the module, by name, if there are several. */
  readonly outputs?: Readonly<Record<string, Tensor>>
  /** The value that enters the module, with the option `inputs`. */
  readonly input?: Tensor
}

let newCache: (entries: Map<string, CachedModule>, tree: ModuleTree, file: string | undefined) => Cache

/** The activations of a trace, by module. They are there once the trace has ended, and never change after that. */
export class Cache {
  readonly #entries: Map<string, CachedModule>
  readonly #tree: ModuleTree
  /** The file that they were written to; undefined if they are in memory. */
  readonly file: string | undefined

  private constructor(entries: Map<string, CachedModule>, tree: ModuleTree, file: string | undefined) {
    this.#entries = entries
    this.#tree = tree
    this.file = file
  }

  static {
    newCache = (entries, tree, file) => new Cache(entries, tree, file)
  }

  /** Returns the activations of a module, by the module or by its path. @throws UnknownNameError with the nearest paths */
  get(module: string | ModuleBase): CachedModule {
    const path = this.#pathOf(module)
    const entry = this.#entries.get(path)
    if (entry) return entry
    throw new UnknownNameError('module in this cache', path, nearestNames(path, this.#entries.keys()))
  }

  /** Whether the module's activations were kept. */
  has(module: string | ModuleBase): boolean {
    return this.#entries.has(this.#pathOf(module))
  }

  /** Returns the path of a module, which may be given by any of its names. */
  #pathOf(module: string | ModuleBase): string {
    if (typeof module !== 'string') {
      const handle = handleOf(module)
      if (handle) return handle.path
      throw new UnknownNameError('module in this cache', String(module), this.paths.slice(0, 3))
    }
    try {
      return resolvePath(this.#tree.root, module).path
    } catch (error) {
      if (error instanceof UnknownModuleError) return module
      throw error
    }
  }

  /** The paths of the cached modules, in the model's order. */
  get paths(): string[] {
    return [...this.#entries.keys()]
  }

  /** Iterates over the paths and activations, in the model’s order. */
  [Symbol.iterator](): Iterator<[string, CachedModule]> {
    return this.#entries.entries()
  }

  /** Describes the cache: one line for each module, with dims. */
  toString(): string {
    if (this.file !== undefined) return `Cache(written to ${this.file})`
    const lines = [...this.#entries].map(([path, { output, input }]) => {
      const dims = (tensor: Tensor | undefined): string => (tensor ? showDims(tensor.dims) : '')
      return `  ${path}  ${input ? `${dims(input)} → ` : ''}${dims(output)}`
    })
    return `Cache(${this.#entries.size} modules)\n${lines.join('\n')}`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

/**
 * Keeps the activations of all modules, or of some, as they are at the trace's end: after all writes, also those that follow in the block.
 * Modules that are skipped, or that have no nodes, are left out.
 * @throws CacheTooLargeError before anything runs; UnknownModuleError
 */
export function cache(options?: CacheOptions): Cache
export function cache(options: CacheOptions = {}, ...surplus: unknown[]): Cache {
  refuseSurplus('cache', 1, surplus, 'name the modules in one list: cache({ modules: [a, b] })')
  const known = knownOptions('cache()', options, ['modules', 'where', 'inputs', 'file', 'maxBytes'])
  const tracer = currentTrace()
  if (!tracer) throw new SaveError('cache() was called outside a trace.', 'call it inside the block of a trace')
  const { tree } = tracer.program
  const modules = chosenModules(tree, known)
  const entries = new Map<string, CachedModule>()
  const { file } = known
  if (file !== undefined) claimFile(file, tracer)
  const named: Record<string, Tensor> = {}
  tracer.atEnd(() => {
    for (const module of modules) {
      const entry = readModule(tracer, module, known.inputs ?? false, named)
      if (Object.keys(entry).length > 0 && file === undefined) entries.set(module.path, Object.freeze(entry))
    }
    assertSize(named, known.maxBytes ?? 4 * 2 ** 30)
    for (const tensor of Object.values(named)) tracer.save(tensor)
  })
  if (file !== undefined) tracer.whenRun(() => writeTensors(file, named))
  return newCache(entries, tree, file)
}

const claimed = new WeakMap<object, Set<string>>()

/**
 * Refuses a second cache with the same file: files are written when the trace ends, so the second one would overwrite the first.
 * @throws TraceArgumentsError
 */
function claimFile(file: string, tracer: RunningTrace): void {
  let outermost = tracer
  while (outermost.outer instanceof RunningTrace) outermost = outermost.outer
  const owner = currentSession() ?? outermost
  const files = claimed.get(owner) ?? new Set()
  claimed.set(owner, files)
  const path = file.replace(/^(\.\/+)+/, '')
  if (files.has(path))
    throw new TraceArgumentsError(
      `cache() would overwrite ${file}, which an earlier cache() of this ${owner === outermost ? 'trace' : 'session or generation'} writes.`,
      'give each a file of its own: cache({ file: `acts-${step}.safetensors` }), or name all modules in one cache()',
    )
  files.add(path)
}

function readModule(
  tracer: RunningTrace,
  module: ModuleNode,
  withInput: boolean,
  named: Record<string, Tensor>,
): CachedModule {
  const { taps, tree } = tracer.program
  // A path gets the prefix `model.` only if the model has no module of that name, as a Llama has.
  const prefix = module.path !== '' ? `${module.path}.` : tree.get('model') ? '' : 'model.'
  /** Reads a value and names it for the file; undefined if nothing passes there, or the module is skipped. */
  const read = (name: string, find: () => Tap): Tensor | undefined => {
    try {
      const tensor = tracer.read(find())
      named[`${prefix}${name}`] = tensor
      return tensor
    } catch (error) {
      if (error instanceof NoTapError || error instanceof SkippedError) return undefined
      throw error
    }
  }
  const input = withInput ? read('input', () => taps.inputTap(module)) : undefined
  try {
    const output = read('output', () => taps.outputTap(module))
    return { ...(input ? { input } : {}), ...(output ? { output } : {}) }
  } catch (error) {
    if (!(error instanceof AmbiguousTapError)) throw error
    const outputs = [...taps.outputTaps(module)].flatMap(([name, tap]) => {
      const tensor = read(`outputs.${name}`, () => tap)
      return tensor ? [[name, tensor] as const] : []
    })
    return { ...(input ? { input } : {}), outputs: Object.fromEntries(outputs) }
  }
}

function chosenModules(tree: ModuleTree, { modules, where = () => true }: CacheOptions): ModuleNode[] {
  const paths = pathsOf(tree)
  const all = tree.modules.filter(module => paths.get(module)?.some(path => where(path)))
  if (modules === undefined) return all
  const choices = (Array.isArray(modules) ? modules : [modules]) as readonly ModuleChoice[]
  const found = new Set<ModuleNode>()
  for (const choice of choices) {
    const handle = handleOf(choice)
    if (!handle && typeof choice !== 'string') {
      throw new TraceArgumentsError(
        `cache() was given ${String(choice)}, which is not a module.`,
        'name modules or their paths: cache({ modules: [model.transformer.h] })',
      )
    }
    const module = handle ? tree.get(handle.path) : resolvePath(tree.root, choice as string)
    for (const one of module?.isList ? module.children.values() : module ? [module] : []) found.add(one)
  }
  return all.filter(module => found.has(module))
}

function assertSize(named: Readonly<Record<string, Tensor>>, most: number): void {
  const sizes = Object.entries(named).map(([name, tensor]) => [name, sizeInBytes(tensor)] as const)
  const bytes = sizes.reduce((sum, [, size]) => sum + size, 0)
  if (bytes <= most) return
  const largest = [...sizes].sort(([, a], [, b]) => b - a).slice(0, 3)
  throw new CacheTooLargeError(
    bytes,
    most,
    largest.map(([name]) => name),
  )
}

/** The size of a tensor in bytes; 0 if a dim is not known before the run. */
function sizeInBytes({ type, dims }: Tensor): number {
  return dims.reduce<number>((size, dim) => size * (dim ?? 0), bytesOf(type))
}
