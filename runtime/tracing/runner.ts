import type { Engine } from '../engine/engine.ts'
import type { TraceReport } from '../engine/running/report.ts'
import type { Recording } from '../graph/expression.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'

export interface RunRequest {
  readonly recording: Recording
  readonly inputs: ReadonlyMap<string, TensorData>
  readonly signal: AbortSignal | undefined
  /** Whether the block continues after this run, so that what is computed now is kept. */
  readonly goesOn: boolean
  /** Whether these inputs will not come again, so that no results are kept for them. */
  readonly inputsComeOnce: boolean
}

export interface RunResult {
  readonly wanted: readonly TensorData[]
  /** The indices of the model's nodes that have run. */
  readonly executed: Iterable<number>
  /** The keys of the taps before the recorded reads. A later write there would come too late for them. */
  readonly tapsBeforeReads: Iterable<string>
  readonly report: TraceReport
}

/** Runs the recording of one trace: at the end of its block, and before that whenever the block asks for a value. */
export interface Runner {
  run(request: RunRequest): Promise<RunResult>
}

/** Runs recordings on the model's engine in this process. */
export class EngineRunner implements Runner {
  readonly #engine: Engine
  /** The values that have been computed so far, by their names in the model. */
  readonly #computed = new Map<string, TensorData>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  async run({ recording, inputs, signal, goesOn, inputsComeOnce }: RunRequest): Promise<RunResult> {
    const computed = this.#computed
    const { wanted, values, plan, report } = await this.#engine.run({
      recording,
      inputs,
      alreadyComputed: computed,
      keepEdges: goesOn,
      inputsComeOnce,
      signal,
    })
    const { producer } = this.#engine.program.graph
    if (goesOn) for (const [name, data] of values) if (producer.has(name)) computed.set(name, data)
    return { wanted, executed: plan.executed, tapsBeforeReads: plan.tapsBeforeReads, report }
  }
}
