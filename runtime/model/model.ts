import { GRAPH_LIMITS } from '../engine/limits/graph-limits.ts'
import { summarise, type TraceReport } from '../engine/running/report.ts'
import type { SessionCacheState } from '../engine/sessions/sessions.ts'
import type { SourcePosition } from '../errors/error.ts'
import { UnknownNameError } from '../errors/names.ts'
import { nearestNames } from '../errors/nearest-names.ts'
import { TraceArgumentsError } from '../errors/trace.ts'
import { Decoder } from '../generate/decoder.ts'
import { type EncoderModel, encode, needsNoEncoder } from '../generate/encode.ts'
import type { Generating, TextOf } from '../generate/generated.ts'
import { generating } from '../generate/generating.ts'
import { type GenerateRequest, Generation } from '../generate/generation.ts'
import type { GenerateOptions } from '../generate/options.ts'
import { isChat } from '../language-inputs/prompt.ts'
import { printModule } from '../names/print.ts'
import { resolvePath } from '../names/resolve.ts'
import { asInFile } from '../onnx/graph/node.ts'
import type { SaveOptions } from '../onnx/writing/write.ts'
import { knownOptions } from '../tensor/arguments/known-options.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Block, fromFunction, recordedBlock, type Template } from '../tracing/blocks/block.ts'
import type { BlockResult, Settled } from '../tracing/invokes/invokes.ts'
import { listen, reportListeners } from '../tracing/scopes/report-listeners.ts'
import { restoringScopes } from '../tracing/scopes/restoring-scopes.ts'
import { RunningSession } from '../tracing/session.ts'
import { traceBlock } from '../tracing/trace.ts'
import { type Edit, type Traceable, traceable } from '../tracing/traceable.ts'
import type { TraceOptions } from '../tracing/tracer.ts'
import { graphInputs, type InterventionGraph, RecordBackend, type RunGraphOptions, runGraph } from './intervention.ts'
import type { Inputs } from './loaded/inputs.ts'
import type { LoadedModel, Signature } from './loaded/loaded-model.ts'
import { Binding } from './modules/binding.ts'
import { ActivationCache, chosenNames, type HookNames } from './modules/hooks/activation-cache.ts'
import { type Hooks, hooksOf } from './modules/hooks/hook-values.ts'
import { hookTable, readHook } from './modules/hooks/hooks.ts'
import { type StandardNames, standardNames } from './modules/hooks/standard.ts'
import { handleOf, type Module, ModuleHandle, makeProxy, moduleProxy, otherMembers } from './modules/module.ts'
import { findNode, type OperationNode } from './modules/operations.ts'
import { type ModelShapes, modelShapes } from './shapes.ts'
import { type EditOptions, withEdits } from './standing-edits.ts'

/** The members of a model, beside its modules. */
export interface ModelMembers {
  /** The path or address that it was loaded from. */
  readonly name: string
  /** The model's declared inputs and outputs. */
  readonly signature: Signature
  /** Runs the model without a block, with its standing edits. Returns all declared outputs, by name. @throws InputError */
  run(inputs: Inputs, options?: TraceOptions): Promise<Record<string, Tensor>>
  /** Runs a trace without the macro: the block is an ordinary function, and operators are methods. Returns what the block returns. */
  trace<R>(inputs: Inputs, block: (model: Model) => R | Promise<R>): Promise<R>
  trace<R>(inputs: Inputs, options: TraceOptions, block: (model: Model) => R | Promise<R>): Promise<R>
  /** Runs a trace whose inputs are given to invokes in its block, or a trace of a model without inputs. */
  trace<R extends BlockResult>(block: (model: Model) => R | Promise<R>): Promise<Settled<R>>
  /** The same with options, which hold for all invokes. */
  trace<R extends BlockResult>(
    inputs: null,
    options: TraceOptions,
    block: (model: Model) => R | Promise<R>,
  ): Promise<Settled<R>>
  /** Runs a block in the template language. Returns its saved values, by name. */
  trace(inputs: Inputs, block: Template): Promise<Record<string, Tensor>>
  trace(inputs: Inputs, options: TraceOptions, block: Template): Promise<Record<string, Tensor>>
  /**
   * Returns dims and dtypes of every module and value for inputs of these dims, without running the model or reading weights. With a block:
   * returns what the block returns; its tensors have dims and dtypes, but no values.
   */
  scan(inputs: Inputs): Promise<ModelShapes>
  scan<R>(inputs: Inputs, block: (model: Model) => R | Promise<R>): Promise<R>
  scan(inputs: Inputs, block: Template): Promise<Record<string, Tensor>>
  /**
   * Generates tokens after prompts, which are token ids or the model's inputs by name. Each step is a trace that records the block again.
   * @throws GenerateError for a model that is no decoder, or for contradictory options
   */
  generate<I extends Inputs, N extends number | undefined = undefined>(
    inputs: I,
    options?: GenerateOptions & { readonly numSequences?: N },
  ): Generating<undefined, TextOf<I, N>>
  generate<R, I extends Inputs = Inputs, N extends number | undefined = undefined>(
    inputs: I,
    options: GenerateOptions & { readonly numSequences?: N },
    block: (model: Model, step: number) => R | Promise<R>,
  ): Generating<R, TextOf<I, N>>
  /** Generates from prompts that are given to invokes in the block: each has its own block, and sees its own rows in every step. */
  generate<R extends BlockResult>(
    inputs: null,
    options: GenerateOptions,
    block: (model: Model, step: number) => R | Promise<R>,
  ): Generating<Settled<R>, readonly string[]>
  generate<I extends Inputs, N extends number | undefined = undefined>(
    inputs: I,
    options: GenerateOptions & { readonly numSequences?: N },
    block: Template,
  ): Generating<Record<string, Tensor>, TextOf<I, N>>
  /**
   * Returns a model with a standing edit: in each trace, this block is recorded before the trace's own. Weights and sessions are shared,
   * and the original is unchanged; `{ inplace: true }` edits the model itself.
   */
  edit(block: ((model: Model) => void | Promise<void>) | Template): Model
  edit(options: EditOptions, block: ((model: Model) => void | Promise<void>) | Template): Model
  /** Runs several traces as one session: values pass between them without save(), and only saved or returned ones outlive the session. */
  session<R>(block: (model: Model) => R | Promise<R>): Promise<R>
  /** The standing edits, in the order in which they run. */
  readonly edits: readonly EditText[]
  /** Removes all standing edits. */
  clearEdits(): void
  /**
   * Records a block as JSON, to be stored or sent and run by `runGraph`. It contains no code.
   * @throws ScannedError if the block needs a value while it is recorded
   */
  record(inputs: Inputs, block: ((model: Model) => unknown) | Template): Promise<InterventionGraph>
  /**
   * Runs a recorded block on the inputs that it was recorded with. Returns what the block returned. The graph may be untrusted: it is checked.
   * @throws InvalidInterventionGraphError; GraphLimitError, GraphTimeError with `limits`
   */
  runGraph(graph: unknown, options?: RunGraphOptions): Promise<unknown>
  /** Reports which blocks the traces in `body` ran, rebuilt, reused or skipped, and the time in milliseconds. */
  explain(body: () => unknown): Promise<Explanation>
  /**
   * Values by TransformerLens's hook names, which are the same for every decoder and encoder: `model.hooks['blocks.5.attn.hook_pattern']`.
   * `Object.keys(model.hooks)` lists the names that the model has. @throws NoHookError, which says why the model does not have a hook
   */
  readonly hooks: Hooks
  /** Values by nnterp's standard names: `model.standard.layers_output[5]`. */
  readonly standard: StandardNames
  /**
   * Runs the model and keeps the values of hooks: the chosen ones, or all except the heads' results. Standing edits apply.
   * @throws NoHookError
   * @example
   * const { logits, cache } = await model.runWithCache(ids, /hook_pattern$/)
   * cache.get('pattern', 5) // cache.get('blocks.5.attn.hook_pattern')
   */
  runWithCache(inputs: Inputs, names?: HookNames, options?: TraceOptions): Promise<RunWithCache>
  /** A module by its path, `transformer.h.0.attn`. @throws UnknownModuleError */
  module(path: string): Module
  /** A node of the graph by name: for graphs without module paths. @throws UnknownNameError */
  node(name: string): OperationNode
  /** A value of the graph by name. @throws UnknownNameError */
  tensor(name: string): Tensor
  /** Names of the file's nodes, in running order. Nodes that a fused node is expanded into are found by `ops` and `node()` too. */
  readonly nodeNames: readonly string[]
  /** Names of all values that nodes make, in running order. */
  readonly tensorNames: readonly string[]
  /** The blocks that the model was cut into, and the sessions and values that are kept for further traces. */
  readonly engine: EngineState
  /**
   * Writes the model to a file, with everything that was in its own file. Standing edits become nodes of the graph, which any onnxruntime
   * runs; each edit is recorded once more for that. If it throws, no file is changed. @throws UnwritableModelError, UnsavableEditError,
   * ExternalDataError for a file of weights that has changed since the model was loaded
   */
  save(path: string, options?: SaveOptions): Promise<void>
  /** Frees the model's sessions. Later use throws UseAfterReleaseError. */
  release(): Promise<void>
}

/** What `runWithCache` returns. */
export interface RunWithCache {
  /** The output with scores for tokens; undefined for an encoder without such an output. */
  readonly logits: Tensor | undefined
  readonly cache: ActivationCache
}

/** The state of a model's engine. */
export interface EngineState {
  /** The blocks that the model was cut into, in running order. */
  readonly blocks: readonly { readonly label: string; readonly nodes: number }[]
  /** Sessions and values that are kept for further traces, in bytes. */
  readonly cache: SessionCacheState & { readonly reusedBytes: number }
}

/** A loaded model: its modules by name, and what can be done with it. */
export type Model = ModelMembers & Module

/** The source of a standing edit. The text of a plain function is not known. */
export interface EditText {
  /** The edit's text; '' if it is not known. */
  readonly source: string
  /** The edit's file and line. */
  readonly at: SourcePosition | undefined
}

/** The result of `explain`: a report for each trace, printed as one line. */
export interface Explanation {
  /** The report of each trace, in order. */
  readonly traces: readonly TraceReport[]
  /** A line for each trace. */
  toString(): string
}

type BlockForm<R> = ((model: Model) => R | Promise<R>) | Template | Block

/** The options, if there are any, and the block. @throws TraceArgumentsError */
function optionsAndBlock<O extends object, R>(
  form: string,
  first: O | BlockForm<R> | undefined,
  second: BlockForm<R> | undefined,
): { options: O; block: Block } {
  const isBlock = (value: unknown): value is BlockForm<R> =>
    typeof value === 'function' || recordedBlock(value) !== undefined
  const block = isBlock(first) ? first : second
  if (!isBlock(block)) {
    const inputs = form === 'edit' ? '' : 'inputs, '
    throw new TraceArgumentsError(`model.${form}() was given no block.`, `write model.${form}(${inputs}model => …)`)
  }
  const options = isBlock(first) || first === undefined ? ({} as O) : first
  return { options, block: recordedBlock(block) ?? fromFunction(block as (model: Model) => R | Promise<R>) }
}

/** Names of every model's properties. A child with such a name is reached by child('…'). */
export const modelMembers: ReadonlySet<string> = new Set([
  ...['path', 'output', 'outputs', 'input', 'inputs', 'ops', 'weights', 'child', 'modules', 'toString'],
  ...['run', 'trace', 'scan', 'generate', 'edit', 'save', 'module'],
])

/** Names of further properties of models. A module with such a name comes first. */
export const otherModelMembers: ReadonlySet<string> = new Set([
  ...['name', 'signature', 'edits', 'clearEdits', 'session', 'record', 'runGraph', 'explain', 'node', 'tensor'],
  ...['nodeNames', 'tensorNames', 'engine', 'release', 'hooks', 'standard', 'runWithCache'],
  ...otherMembers,
])

const SAVE_OPTIONS = ['weights', 'signal', 'outputs', 'layout', 'name', 'version', 'warmup'] as const

/** The object behind a model's proxy: the root module, and the members of a model. */
export class ModelHandle extends ModuleHandle {
  readonly #loaded: LoadedModel
  #edits: readonly Edit[]
  #proxy: Model | undefined

  constructor(loaded: LoadedModel, edits: readonly Edit[] = []) {
    super(new Binding(loaded), '')
    this.#loaded = loaded
    this.#edits = edits
  }

  get name(): string {
    return this.#loaded.name
  }

  get signature(): Signature {
    return this.#loaded.signature
  }

  get proxy(): Model {
    this.#proxy ??= makeProxy(this) as Model
    return this.#proxy
  }

  [traceable](): Traceable {
    return this.#edits.length > 0 ? withEdits(this.#loaded, this.#edits) : this.#loaded
  }

  /** Another handle of the same kind, on the same model. */
  protected copyWith(loaded: LoadedModel, edits: readonly Edit[]): ModelHandle {
    return new ModelHandle(loaded, edits)
  }

  withEdit(block: Block, options: EditOptions): Model {
    const { inplace = false } = knownOptions('edit()', options, ['inplace'])
    if (!inplace) return this.copyWith(this.#loaded, this.#edits).withEdit(block, { inplace: true })
    this.#edits = [...this.#edits, { block, model: this.proxy }]
    return this.proxy
  }

  edit(optionsOrBlock: EditOptions | BlockForm<unknown>, maybeBlock?: BlockForm<unknown>): Model {
    const { options, block } = optionsAndBlock<EditOptions, unknown>('edit', optionsOrBlock, maybeBlock)
    return this.withEdit(block, options)
  }

  get edits(): EditText[] {
    return this.#edits.map(({ block: { info } }) => ({ source: info?.source.join('\n') ?? '', at: info?.position() }))
  }

  clearEdits(): void {
    this.#edits = []
  }

  override get members(): ReadonlySet<string> {
    return modelMembers
  }

  override get otherMembers(): ReadonlySet<string> {
    return otherModelMembers
  }

  async run(inputs: Inputs, options: TraceOptions = {}): Promise<Record<string, Tensor>> {
    const names = this.signature.outputs.map(output => output.name)
    const read = () => Object.fromEntries(names.map(name => [name, this.declaredOutput(name)]))
    return traceBlock('trace', [this.proxy, inputs, options], fromFunction(read)) as Promise<Record<string, Tensor>>
  }

  /** A declared output, after all writes. */
  declaredOutput(name: string): Tensor {
    const { taps } = this.binding
    const tap = taps.outputTaps(taps.tree.root).get(name)
    return this.binding.read(tap ?? taps.tensorTap(name))
  }

  async trace<R>(inputs: unknown, optionsOrBlock?: TraceOptions | BlockForm<R>, maybeBlock?: BlockForm<R>): Promise<R> {
    if (optionsOrBlock === undefined && typeof inputs === 'function' && !handleOf(inputs))
      return traceBlock(
        'trace',
        [this.proxy],
        optionsAndBlock('trace', inputs as BlockForm<R>, undefined).block,
      ) as Promise<R>
    const { options, block } = optionsAndBlock<TraceOptions, R>('trace', optionsOrBlock, maybeBlock)
    return traceBlock('trace', [this.proxy, inputs, options], block) as Promise<R>
  }

  async scan<R>(inputs: Inputs, block?: BlockForm<R>): Promise<R | ModelShapes> {
    if (block) return traceBlock('scan', [this.proxy, inputs], optionsAndBlock('scan', {}, block).block) as Promise<R>
    const prepared = this.#loaded.prepare((await this.#loaded.complete(inputs)) ?? inputs)
    const { engine } = await this.#loaded.variant(prepared)
    return modelShapes(engine, prepared)
  }

  generate<R>(
    inputs: unknown,
    options: GenerateOptions,
    block?: ((model: Model, step: number) => R | Promise<R>) | Template | Block,
  ): Generating<R> {
    return generating(() => {
      const isSingle = (typeof inputs === 'string' || isChat(inputs)) && options?.numSequences === undefined
      const ids = this.#loaded.withIds(inputs)
      const decoder = new Decoder(this.#loaded, options?.logits)
      const begin = (prompts: unknown): Generation =>
        this.#generation({ inputs: prompts, options: options ?? {}, decoder, isSingle }, block)
      const encoder = options?.encoder ?? (needsNoEncoder(ids) ? undefined : this.encoder)
      if (!encoder) return begin(ids)
      const { decoderStartTokenId: start, signal } = options ?? {}
      const { language } = this.#loaded
      return encode({ decoder, inputs: ids, encoder, language, start, signal }).then(begin)
    }) as Generating<R>
  }

  /** The encoder that the model was opened with. */
  protected get encoder(): EncoderModel | undefined {
    return undefined
  }

  #generation(call: Pick<GenerateRequest, 'inputs' | 'options' | 'decoder' | 'isSingle'>, block: unknown): Generation {
    return new Generation({
      ...call,
      model: this.proxy,
      target: this[traceable](),
      withIds: inputs => this.#loaded.withIds(inputs),
      block: block
        ? (recordedBlock(block) ?? fromFunction(block as (model: Model, step: number) => unknown))
        : undefined,
      language: this.#loaded.language,
      output: name => this.declaredOutput(name),
    })
  }

  async record(inputs: Inputs, block: BlockForm<unknown>): Promise<InterventionGraph> {
    const options: TraceOptions = { backend: new RecordBackend() }
    const args = [this.proxy, inputs, options]
    return traceBlock('trace', args, optionsAndBlock('record', block, undefined).block) as Promise<InterventionGraph>
  }

  async runGraph(graph: unknown, options: RunGraphOptions = {}): Promise<unknown> {
    const known = knownOptions('runGraph()', options, ['signal', 'onReport', 'limits'])
    const { signal, onReport } = known
    const limits = known.limits && knownOptions('runGraph()', known.limits, GRAPH_LIMITS)
    const tellListeners = reportListeners(this.#loaded)
    const inputs = this.#loaded.prepare(graphInputs(graph))
    const variant = await this.#loaded.variant(inputs)
    const { result, report } = await runGraph(graph, variant, inputs, { signal, ...(limits ? { limits } : {}) })
    tellListeners(report)
    onReport?.(report)
    return result
  }

  async session<R>(block: (model: Model) => R | Promise<R>): Promise<R> {
    return new RunningSession(undefined).run(() => block(this.proxy)) as Promise<R>
  }

  async explain(body: () => unknown): Promise<Explanation> {
    const traces: TraceReport[] = []
    await restoringScopes(() => listen(this.#loaded, report => void traces.push(report), body))
    return { traces, toString: () => traces.map(summarise).join('\n') }
  }

  get hooks(): Hooks {
    return hooksOf(this.binding)
  }

  get standard(): StandardNames {
    return standardNames(this.binding)
  }

  async runWithCache(inputs: Inputs, names?: HookNames, options: TraceOptions = {}): Promise<RunWithCache> {
    const read = () => {
      const table = hookTable(this.binding)
      const chosen = chosenNames(table.names, names, table.layers)
      const kept = chosen.map(name => [name, readHook(this.binding, name)] as const)
      const logits = table.find('hook_logits').kind === 'none' ? undefined : readHook(this.binding, 'hook_logits')
      return { logits, kept, layers: table.layers }
    }
    const found = await traceBlock('trace', [this.proxy, inputs, options], fromFunction(read))
    const { logits, kept, layers } = found as ReturnType<typeof read>
    return { logits, cache: new ActivationCache(new Map(kept), layers) }
  }

  module(path: string): Module {
    return moduleProxy(this.binding, resolvePath(this.scope, path))
  }

  node(name: string): OperationNode {
    return findNode(this.binding, name)
  }

  tensor(name: string): Tensor {
    const { graph } = this.binding.taps.tree
    if (
      !graph.producer.has(name) &&
      !graph.initializers.has(name) &&
      !graph.inputs.some(input => input.name === name)
    ) {
      throw new UnknownNameError('value', name, nearestNames(name, graph.producer.keys()))
    }
    return this.binding.read(this.binding.taps.tensorTap(name))
  }

  get nodeNames(): string[] {
    return asInFile(this.binding.taps.tree.graph.nodes).map(node => node.name)
  }

  get tensorNames(): string[] {
    const { producer } = this.binding.taps.tree.graph
    return [...producer].flatMap(([name, { node }]) => (node.cluster?.inside?.has(name) ? [] : [name]))
  }

  get engine(): EngineState {
    const { program, sessions, reusedBytes } = this.binding.engine
    return {
      blocks: program.blocks.map(({ label, nodes }) => ({ label, nodes: asInFile(nodes).length })),
      cache: { ...sessions, reusedBytes },
    }
  }

  async save(path: string, options: SaveOptions = {}): Promise<void> {
    const known = knownOptions('save()', options, SAVE_OPTIONS)
    await this.#loaded.save(path, known, this.#edits.length > 0 ? this[traceable]() : undefined)
  }

  async release(): Promise<void> {
    await this.#loaded.release()
  }

  override toString(): string {
    const { program } = this.binding.engine
    const tree = printModule(program.tree.root, name => program.weights.get(name)?.dims.map(Number) ?? [], this.members)
    const branches = this.binding.branches.map(branch => `  branch ${branch}`)
    const edits = this.edits.map(({ at }) => `  edited${at ? ` at ${at.file}:${at.line}` : ''}`)
    return [tree, ...branches, ...edits].join('\n')
  }
}
