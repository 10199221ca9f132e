import type { Engine } from '../../engine/engine.ts'
import { InvokeError } from '../../errors/invoke.ts'
import { OtherBranchError } from '../../errors/names.ts'
import { OtherModelError, OutsideTraceError, TraceEndedError } from '../../errors/trace.ts'
import type { Tap } from '../../graph/expression.ts'
import { currentRecorder, type Recorder } from '../../graph/recorder.ts'
import type { Taps } from '../../names/taps.ts'
import type { ModuleNode } from '../../names/tree.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { RunningTrace } from '../../tracing/running-trace.ts'
import type { LoadedModel } from '../loaded/loaded-model.ts'

/** Connects module proxies with their model, and with the trace that is current when they are used. */
export class Binding {
  readonly #model: LoadedModel

  constructor(model: LoadedModel) {
    this.#model = model
  }

  /** The engine that runs the branches which the current trace's inputs chose; outside a trace, the usual branches. */
  get engine(): Engine {
    return this.#traceWithInputs()?.engine ?? this.#model.usual.engine
  }

  /** The path or address that the model was loaded from. */
  get modelName(): string {
    return this.#model.name
  }

  get taps(): Taps {
    return this.engine.program.taps
  }

  /** Returns a module of the chosen branches by its path. @throws OtherBranchError for a module that only another branch has */
  module(path: string): ModuleNode {
    const module = this.taps.tree.get(path)
    if (!module) throw new OtherBranchError('module', path, this.branches)
    return module
  }

  /** Returns the node of the same name in the chosen branches. @throws OtherBranchError */
  node(node: GraphNode): GraphNode {
    const { nodes } = this.taps.tree.graph
    if (nodes[node.index] === node) return node
    const same = nodes.find(other => other.name === node.name)
    if (!same) throw new OtherBranchError('node', node.name, this.branches)
    return same
  }

  /**
   * Returns the current trace of this model.
   * @throws OutsideTraceError, TraceEndedError, OtherModelError or InvokeError, which say why there is none
   */
  tracer(label: string): RunningTrace {
    const current = currentRecorder()
    const tracer = this.#currentTracer()
    if (tracer?.finished) throw new TraceEndedError(label, tracer.name, tracer.mark()?.position())
    if (tracer?.awaitsInvokes) {
      throw new InvokeError(
        `${label} was used in a trace that has no inputs.`,
        'give trace() its inputs, or use the value in an invoke: invoke(inputs, () => …)',
      )
    }
    if (tracer) return tracer
    if (!(current instanceof RunningTrace)) throw new OutsideTraceError(label)
    if (current.finished) throw new TraceEndedError(label, current.name, current.mark()?.position())
    throw new OtherModelError(label, this.#model.name, current.model.name, current.mark()?.position())
  }

  read(tap: Tap): Tensor {
    return this.tracer(tap.label).read(tap)
  }

  write(tap: Tap, value: unknown): void {
    this.tracer(tap.label).write(tap, value)
  }

  /** Returns the innermost trace of this model that the code runs in. */
  #currentTracer(): RunningTrace | undefined {
    let recorder: Recorder | undefined = currentRecorder()
    while (recorder instanceof RunningTrace) {
      if (recorder.model.identity === this.#model) return recorder
      recorder = recorder.outer
    }
    return undefined
  }

  /** Returns the current trace if it has inputs of its own; undefined if its invokes bring them. */
  #traceWithInputs(): RunningTrace | undefined {
    const tracer = this.#currentTracer()
    return tracer?.awaitsInvokes ? undefined : tracer
  }

  /** The chosen branches, as users see them. */
  get branches(): readonly string[] {
    return (this.#traceWithInputs()?.variant ?? this.#model.usual).branches
  }
}
