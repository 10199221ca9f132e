import type { Engine } from '../engine/engine.ts'
import type { TraceReport } from '../engine/running/report.ts'
import type { Recording } from '../graph/expression.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'

export interface RunRequest {
  readonly recording: Recording
  readonly inputs: ReadonlyMap<string, TensorData>
  readonly signal: AbortSignal | undefined
  /** The block goes on after this: what is computed now is not computed again. */
  readonly goesOn: boolean
  /** These inputs won't come again. */
  readonly inputsComeOnce: boolean
}

export interface RunResult {
  readonly wanted: readonly TensorData[]
  /** The model's nodes that have run. */
  readonly executed: Iterable<number>
  /** Keys of the taps that what was read lies behind. */
  readonly tapsBeforeReads: Iterable<string>
  readonly report: TraceReport
}

/** Runs what one trace records: once at its end, and before that where its block asks for values. */
export interface Runner {
  run(request: RunRequest): Promise<RunResult>
}

/** Runs on the model's engine, here. */
export class EngineRunner implements Runner {
  readonly #engine: Engine
  /** What has been computed so far, by the model's own names. */
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
