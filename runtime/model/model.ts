import { summarise, type TraceReport } from '../engine/report.ts'
import type { SessionCacheState } from '../engine/sessions.ts'
import { UnknownNameError } from '../errors/names.ts'
import { TraceArgumentsError } from '../errors/trace.ts'
import { nearestNames } from '../names/nearest.ts'
import { printModule } from '../names/print.ts'
import { resolvePath } from '../names/resolve.ts'
import type { SaveOptions } from '../onnx/write.ts'
import { Template } from '../template/template.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { listen } from '../tracing/listeners.ts'
import { traceable } from '../tracing/trace.ts'
import { type Traceable, type TraceOptions, Tracer } from '../tracing/tracer.ts'
import { Binding } from './binding.ts'
import type { Inputs } from './inputs.ts'
import type { LoadedModel, Signature } from './loaded.ts'
import { type Module, ModuleHandle, makeProxy, moduleProxy } from './module.ts'
import { findNode, type OperationNode } from './operations.ts'

/** What a model has beside its modules. */
export interface ModelMembers {
  /** Where it was loaded from. */
  readonly name: string
  /** The model's inputs as declared. */
  readonly signature: Signature
  /** Runs the model as it is: all its declared outputs, by name. @throws InputError */
  run(inputs: Inputs, options?: TraceOptions): Promise<Record<string, Tensor>>
  /** A trace without the macro: the block is an ordinary function, and operators are methods. */
  trace<R>(inputs: Inputs, block: (model: Model) => R | Promise<R>): Promise<R>
  trace<R>(inputs: Inputs, options: TraceOptions, block: (model: Model) => R | Promise<R>): Promise<R>
  /** The block in the template language: its saved values, by name. */
  trace(inputs: Inputs, block: Template): Promise<Record<string, Tensor>>
  trace(inputs: Inputs, options: TraceOptions, block: Template): Promise<Record<string, Tensor>>
  /** Which blocks the traces in `body` ran, rebuilt, reused or skipped, and what that cost. */
  explain(body: () => unknown): Promise<Explanation>
  /** A module by its path, `transformer.h.0.attn`. @throws UnknownModuleError */
  module(path: string): Module
  /** A node of the graph by name: for graphs without module paths. @throws UnknownNameError */
  node(name: string): OperationNode
  /** A value of the graph by name. @throws UnknownNameError */
  tensor(name: string): Tensor
  /** Node names, in running order. */
  readonly nodeNames: readonly string[]
  /** Names of all values that nodes make, in running order. */
  readonly tensorNames: readonly string[]
  /** The blocks that the model was cut into. */
  readonly blocks: readonly { readonly label: string; readonly nodes: number }[]
  /** What is kept for further traces. */
  readonly cache: SessionCacheState & { readonly reusedBytes: number }
  /**
   * Writes the model to a file, as it was read: nothing that was in its file is lost. @throws UnwritableModelError, and then nothing
   * is left behind; ExternalDataError for a weights' file that has changed since
   */
  save(path: string, options?: SaveOptions): Promise<void>
  /** Frees its sessions. Later use throws UseAfterReleaseError. */
  release(): Promise<void>
}

/** A loaded model: its modules by name, and what can be done with it. */
export type Model = ModelMembers & Module

/** What `explain` tells: the reports, and a line for each when printed. */
export interface Explanation {
  readonly traces: readonly TraceReport[]
  toString(): string
}

type Block<R> = ((model: Model) => R | Promise<R>) | Template

const isBlock = <R>(value: unknown): value is Block<R> => typeof value === 'function' || value instanceof Template

const modelMembers: ReadonlySet<string> = new Set([
  ...['path', 'output', 'outputs', 'input', 'inputs', 'ops', 'weights', 'child', 'modules', 'toString'],
  ...[
    'name',
    'signature',
    'run',
    'trace',
    'explain',
    'module',
    'node',
    'tensor',
    'nodeNames',
    'tensorNames',
    'blocks',
    'cache',
    'save',
    'release',
  ],
])

/** The object behind a model's proxy: the root module, and the members of a model. */
export class ModelHandle extends ModuleHandle {
  readonly #loaded: LoadedModel
  #proxy: Model | undefined

  constructor(loaded: LoadedModel) {
    super(new Binding(loaded), '')
    this.#loaded = loaded
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
    return this.#loaded
  }

  override get members(): ReadonlySet<string> {
    return modelMembers
  }

  async run(inputs: Inputs, options: TraceOptions = {}): Promise<Record<string, Tensor>> {
    const names = this.signature.outputs.map(output => output.name)
    return this.#trace([this, inputs], options, () =>
      Object.fromEntries(names.map(name => [name, this.#output(name)])),
    ) as Promise<Record<string, Tensor>>
  }

  /** A declared output as it leaves the model. */
  #output(name: string): Tensor {
    const { taps } = this.binding
    const tap = taps.outputTaps(taps.tree.root).get(name)
    return this.binding.read(tap ?? taps.tensorTap(name))
  }

  async trace<R>(inputs: Inputs, optionsOrBlock: TraceOptions | Block<R>, maybeBlock?: Block<R>): Promise<R> {
    const block = isBlock(optionsOrBlock) ? optionsOrBlock : maybeBlock
    if (!isBlock(block)) {
      throw new TraceArgumentsError('model.trace() was given no block.', 'write model.trace(inputs, model => …)')
    }
    const options = isBlock(optionsOrBlock) ? {} : optionsOrBlock
    const args = [this, inputs]
    if (typeof block === 'function') return this.#trace(args, options, () => block(this.proxy)) as Promise<R>
    const tracer = new Tracer(args, options, undefined, block.info)
    return tracer.run(this.#loaded, running => block.record(this.proxy, running)) as Promise<R>
  }

  #trace(args: readonly unknown[], options: TraceOptions, body: () => unknown): Promise<unknown> {
    return new Tracer(args, options).run(this.#loaded, body)
  }

  async explain(body: () => unknown): Promise<Explanation> {
    const traces: TraceReport[] = []
    await listen(this.#loaded, report => void traces.push(report), body)
    return { traces, toString: () => traces.map(summarise).join('\n') }
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
    return this.binding.taps.tree.graph.nodes.map(node => node.name)
  }

  get tensorNames(): string[] {
    return [...this.binding.taps.tree.graph.producer.keys()]
  }

  get blocks(): ModelMembers['blocks'] {
    return this.binding.engine.program.blocks.map(({ label, nodes }) => ({ label, nodes: nodes.length }))
  }

  get cache(): ModelMembers['cache'] {
    const { sessions, reusedBytes } = this.binding.engine
    return { ...sessions, reusedBytes }
  }

  async save(path: string, options: SaveOptions = {}): Promise<void> {
    await this.#loaded.save(path, options)
  }

  async release(): Promise<void> {
    await this.#loaded.release()
  }

  override toString(): string {
    const { program } = this.binding.engine
    const tree = printModule(program.tree.root, name => program.weights.get(name)?.dims.map(Number) ?? [])
    return [tree, ...this.binding.branches.map(branch => `  branch ${branch}`)].join('\n')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}
