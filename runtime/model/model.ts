import type { Engine } from '../engine/engine.ts'
import { summarise, type TraceReport } from '../engine/report.ts'
import type { SessionCacheState } from '../engine/sessions.ts'
import { InputError } from '../errors/input.ts'
import { UnknownNameError } from '../errors/names.ts'
import { TraceArgumentsError } from '../errors/trace.ts'
import { nearestNames } from '../names/nearest.ts'
import { printModule } from '../names/print.ts'
import { resolvePath } from '../names/resolve.ts'
import type { Taps } from '../names/taps.ts'
import type { TensorData } from '../tensor/data.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { traceable } from '../tracing/trace.ts'
import { type Traceable, type TraceOptions, Tracer } from '../tracing/tracer.ts'
import { Binding } from './binding.ts'
import { type Inputs, prepareInputs } from './inputs.ts'
import { type Module, ModuleHandle, makeProxy, moduleProxy } from './module.ts'
import { findNode, type OperationNode } from './operations.ts'

/** What a model has beside its modules. */
export interface ModelMembers {
  /** Where it was loaded from. */
  readonly name: string
  /** The model's inputs as declared. */
  readonly signature: { readonly inputs: readonly Declared[]; readonly outputs: readonly Declared[] }
  /** Runs the model as it is: all its declared outputs, by name. @throws InputError */
  run(inputs: Inputs, options?: TraceOptions): Promise<Record<string, Tensor>>
  /** A trace without the macro: the block is an ordinary function, and operators are methods. */
  trace<R>(inputs: Inputs, block: (model: Model) => R | Promise<R>): Promise<R>
  trace<R>(inputs: Inputs, options: TraceOptions, block: (model: Model) => R | Promise<R>): Promise<R>
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
  /** Frees its sessions. Later use throws UseAfterReleaseError. */
  release(): Promise<void>
}

export interface Declared {
  readonly name: string
  readonly type: string
  readonly dims: readonly (number | string | undefined)[] | undefined
}

/** A loaded model: its modules by name, and what can be done with it. */
export type Model = ModelMembers & Module

/** What `explain` tells: the reports, and a line for each when printed. */
export interface Explanation {
  readonly traces: readonly TraceReport[]
  toString(): string
}

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
    'release',
  ],
])

/** The object behind a model's proxy: the root module, and the members of a model. */
export class ModelHandle extends ModuleHandle implements Traceable {
  readonly name: string
  readonly engine: Engine
  readonly signature: ModelMembers['signature']
  #proxy: Model | undefined
  #listeners = new Set<(report: TraceReport) => void>()

  constructor(name: string, engine: Engine, taps: Taps) {
    super(undefined as unknown as Binding, taps.tree.root)
    Object.defineProperty(this, 'binding', { value: new Binding(taps, this) })
    this.name = name
    this.engine = engine
    const { graph } = taps.tree
    const declare = (value: { name: string; type: string | undefined; dims: Declared['dims'] }): Declared => ({
      ...value,
      type: value.type ?? 'other',
    })
    this.signature = { inputs: graph.inputs.map(declare), outputs: graph.outputs.map(declare) }
  }

  get proxy(): Model {
    this.#proxy ??= makeProxy(this) as Model
    return this.#proxy
  }

  [traceable](): Traceable {
    return this
  }

  override get members(): ReadonlySet<string> {
    return modelMembers
  }

  prepare(inputs: unknown): ReadonlyMap<string, TensorData> {
    return prepareInputs(this.signature.inputs, inputs)
  }

  misfit(cause: unknown): Error {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]
    return new InputError(`The inputs do not fit together: ${reason}`, this.signature.inputs, undefined, cause)
  }

  report(report: TraceReport): void {
    for (const listener of this.#listeners) listener(report)
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

  async trace<R>(
    inputs: Inputs,
    optionsOrBlock: TraceOptions | ((model: Model) => R | Promise<R>),
    maybeBlock?: (model: Model) => R | Promise<R>,
  ): Promise<R> {
    const block = typeof optionsOrBlock === 'function' ? optionsOrBlock : maybeBlock
    if (typeof block !== 'function') {
      throw new TraceArgumentsError('model.trace() was given no block.', 'write model.trace(inputs, model => …)')
    }
    const options = typeof optionsOrBlock === 'function' ? {} : optionsOrBlock
    return this.#trace([this, inputs], options, () => block(this.proxy)) as Promise<R>
  }

  #trace(args: readonly unknown[], options: TraceOptions, body: () => unknown): Promise<unknown> {
    return new Tracer(args, options).run(this, body)
  }

  async explain(body: () => unknown): Promise<Explanation> {
    const traces: TraceReport[] = []
    const listener = (report: TraceReport): void => void traces.push(report)
    this.#listeners.add(listener)
    try {
      await body()
    } finally {
      this.#listeners.delete(listener)
    }
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
    return this.engine.program.blocks.map(({ label, nodes }) => ({ label, nodes: nodes.length }))
  }

  get cache(): ModelMembers['cache'] {
    return { ...this.engine.sessions, reusedBytes: this.engine.reusedBytes }
  }

  async release(): Promise<void> {
    await this.engine.release()
  }

  override toString(): string {
    const { program } = this.engine
    return printModule(this.binding.taps.tree.root, name => program.weights.get(name)?.dims.map(Number) ?? [])
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}
