import type { TraceReport } from '../engine/running/report.ts'
import { knownOptions } from '../tensor/arguments/known-options.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Info } from './blocks/info.ts'
import { bindTracer, traceOf } from './current-trace.ts'
import { runHere } from './run-here.ts'
import { RunningTrace } from './running-trace.ts'
import { type TracerJSON, toPlain } from './tracer-json.ts'

/** Runs what a tracer records. A backend has one method, and may run the trace here, in another process or on another machine. */
export interface Backend {
  /** Runs the tracer’s block and returns the block’s result, with its tensors computed. */
  run(tracer: Tracer): Promise<unknown>
}

/** Options of a trace. */
export interface TraceOptions {
  /** Checked between blocks of the model. When it is aborted, the run rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Called after the trace with a report of what it did and how long that took. */
  readonly onReport?: (report: TraceReport) => void
  /** Runs the trace. @default an ExecutionBackend, which runs it in this process */
  readonly backend?: Backend
  /**
   * Whether the backward pass of gradients computes each block's forward pass again, in the place of keeping what the first one made: it needs
   * less memory and more time. @default false
   */
  readonly recompute?: boolean
}

export const TRACE_OPTIONS = ['signal', 'onReport', 'backend', 'recompute'] as const

/** Runs a trace in this process. */
export class ExecutionBackend implements Backend {
  /** Records the block, runs the model as far as needed, and returns the block’s result, with its tensors computed. */
  run(tracer: Tracer): Promise<unknown> {
    return runHere(traceOf(tracer))
  }
}

/** One trace: its arguments, its block and its state. A backend gets one to run. */
export class Tracer {
  /** The arguments of trace(): the model and its inputs. */
  readonly args: readonly unknown[]
  /** The trace’s options. */
  readonly kwargs: TraceOptions
  /** The backend that runs the trace. */
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
    const { signal, onReport, recompute } = this.kwargs
    const trace = new RunningTrace({
      args,
      signal,
      onReport,
      recompute,
      info,
      runBackend: () => backend.run(this),
      newBatch: inputs => newBatch(this, inputs),
    })
    bindTracer(this, trace)
  }

  /** The block’s text and place. For a block without a text it is undefined until the tracer is sent. */
  get info(): Info | undefined {
    return traceOf(this).info
  }

  /** Whether the trace has ended. */
  get finished(): boolean {
    return traceOf(this).finished
  }

  /** The place of the block: `file:line:column`. */
  get name(): string {
    return traceOf(this).name
  }

  /** The model’s inputs as they are fed, by name. There are none before the trace has begun. */
  get inputs(): ReadonlyMap<string, TensorData> {
    return traceOf(this).inputs
  }

  /** The handles whose values are kept after the trace. */
  get saved(): ReadonlySet<Tensor> {
    return traceOf(this).saved
  }

  /** Returns the arguments and the block's text as JSON to be sent, without the model and the block’s variables. */
  toJSON(): TracerJSON {
    const trace = traceOf(this)
    return { args: this.args.slice(1).map(toPlain), kwargs: {}, info: (trace.info ?? trace.capture()).toJSON() }
  }

  /** Restores a tracer that was sent, to run on `model` in this process: its start line is 0 and its backend an ExecutionBackend. */
  static fromJSON(json: TracerJSON, model?: unknown): Tracer {
    const info = Info.fromJSON({ ...json.info, startLine: 0 })
    return new Tracer([model, ...json.args], json.kwargs, new ExecutionBackend(), info)
  }
}

/** Makes a new tracer and returns its trace, for the library's own code. */
export function newTrace(...of: ConstructorParameters<typeof Tracer>): RunningTrace {
  return traceOf(new Tracer(...of))
}

/** Makes a trace on the inputs of a batch of invokes, with the backend of the trace around them. */
function newBatch(outer: Tracer, inputs: unknown): RunningTrace {
  const { args, kwargs } = outer
  const backend = traceOf(outer).isOnlyScanned ? outer.backend : (kwargs.backend ?? new ExecutionBackend())
  const batch = newTrace([args[0], inputs], kwargs, backend)
  batch.runInvokesOf(traceOf(outer))
  return batch
}
