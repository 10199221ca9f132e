import type { TraceReport } from '../engine/running/report.ts'
import { knownOptions } from '../tensor/arguments/known-options.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Info } from './blocks/info.ts'
import { bindTracer, traceOf } from './current-trace.ts'
import { runHere } from './run-here.ts'
import { RunningTrace } from './running-trace.ts'
import { type TracerJSON, toPlain } from './tracer-json.ts'

/** Runs what a tracer recorded. One method: a backend may run here, in another process, or far away. */
export interface Backend {
  /** Runs the tracer’s block and gives the block’s result, its tensors computed. */
  run(tracer: Tracer): Promise<unknown>
}

/** Options of a trace. */
export interface TraceOptions {
  /** Checked between blocks of the model: the run rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Called with what the trace did and what it cost. */
  readonly onReport?: (report: TraceReport) => void
  /** Runs the trace. @default an ExecutionBackend: here and now */
  readonly backend?: Backend
}

export const TRACE_OPTIONS = ['signal', 'onReport', 'backend'] as const

/** Runs the trace here and now. */
export class ExecutionBackend implements Backend {
  /** Records the block, runs what is wanted, and gives the block’s result. */
  run(tracer: Tracer): Promise<unknown> {
    return runHere(traceOf(tracer))
  }
}

/** One trace: what it was given, and what came of it. Backends are handed one to run. */
export class Tracer {
  /** What trace() was given: the model and its inputs. */
  readonly args: readonly unknown[]
  /** The trace’s options. */
  readonly kwargs: TraceOptions
  /** What runs it. */
  readonly backend: Backend

  constructor(
    args: readonly unknown[],
    kwargs: TraceOptions = {},
    backend: Backend = new ExecutionBackend(),
    info?: Info,
  ) {
    this.args = args
    this.kwargs = knownOptions('trace()', kwargs, TRACE_OPTIONS)
    this.backend = backend
    const { signal, onReport } = this.kwargs
    const trace = new RunningTrace({
      args,
      signal,
      onReport,
      info,
      runBackend: () => backend.run(this),
      newBatch: inputs => newBatch(this, inputs),
    })
    bindTracer(this, trace)
  }

  /** The block’s text and place. Of a block without a text it is there once the tracer was sent. */
  get info(): Info | undefined {
    return traceOf(this).info
  }

  /** Whether it has run. */
  get finished(): boolean {
    return traceOf(this).finished
  }

  /** `file:line:column`. */
  get name(): string {
    return traceOf(this).name
  }

  /** The model’s inputs as they are fed, by name: there once the trace has begun. */
  get inputs(): ReadonlyMap<string, TensorData> {
    return traceOf(this).inputs
  }

  /** The handles whose values must outlive the trace. */
  get saved(): ReadonlySet<Tensor> {
    return traceOf(this).saved
  }

  /** Arguments and text, to be sent. Neither the model nor the block’s variables travel. */
  toJSON(): TracerJSON {
    const trace = traceOf(this)
    return { args: this.args.slice(1).map(toPlain), kwargs: {}, info: (trace.info ?? trace.capture()).toJSON() }
  }

  /** A tracer as it was sent, to run on `model` here: start line 0, and an ExecutionBackend. */
  static fromJSON(json: TracerJSON, model?: unknown): Tracer {
    const info = Info.fromJSON({ ...json.info, startLine: 0 })
    return new Tracer([model, ...json.args], json.kwargs, new ExecutionBackend(), info)
  }
}

/** A new tracer, as the library's rooms use it. */
export function newTrace(...of: ConstructorParameters<typeof Tracer>): RunningTrace {
  return traceOf(new Tracer(...of))
}

/** A trace on the inputs of a batch of invokes, run as the trace is that they stand in. */
function newBatch(outer: Tracer, inputs: unknown): RunningTrace {
  const { args, kwargs } = outer
  const backend = traceOf(outer).isOnlyScanned ? outer.backend : (kwargs.backend ?? new ExecutionBackend())
  const batch = newTrace([args[0], inputs], kwargs, backend)
  batch.runInvokesOf(traceOf(outer))
  return batch
}
