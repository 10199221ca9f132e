import type { TensorData } from '../tensor/data.ts'
import type { Mark, TapOwner, Value } from './expression.ts'

/** What a handle needs of the trace it belongs to. */
export interface Recorder extends TapOwner {
  /** True once the trace has ended: handles that were not saved are released. */
  readonly finished: boolean
  /** Names the trace in messages: `src/steer.ts:9:22`. */
  readonly name: string
  mark(): Mark | undefined
  /** Runs the model as far as the value needs; nothing is computed twice. */
  force(value: Value): Promise<TensorData>
}

/** Keeps track of the recorder that is current: one implementation per platform. */
export interface CurrentRecorder {
  get(): Recorder | undefined
  /** Runs `body` with `recorder` current, and across its awaits where the platform can follow them. */
  run<R>(recorder: Recorder, body: () => R): R
  /** Makes `recorder` current from here on, within the present run. */
  enter(recorder: Recorder | undefined): void
}

let current: CurrentRecorder = variableRecorder()

export function currentRecorder(): Recorder | undefined {
  return current.get()
}

export function recorderScope(): CurrentRecorder {
  return current
}

/** Chosen once, by the platform's entry point. */
export function useRecorderScope(scope: CurrentRecorder): void {
  current = scope
}

/** For platforms that can't follow awaits: the macro re-enters by hand after each one. */
export function variableRecorder(): CurrentRecorder {
  let active: Recorder | undefined
  return {
    get: () => active,
    run(recorder, body) {
      const outer = active
      active = recorder
      try {
        return body()
      } finally {
        active = outer
      }
    },
    enter(recorder) {
      active = recorder
    },
  }
}

/** Runs lazy tensors outside any trace: installed by the engine, which the tensor room knows nothing of. */
export type Evaluator = (values: readonly Value[]) => Promise<TensorData[]>

let evaluator: Evaluator | undefined

export function useEvaluator(run: Evaluator): void {
  evaluator = run
}

export function evaluate(values: readonly Value[]): Promise<TensorData[]> {
  if (!evaluator) throw new Error('No engine is installed: import onnsight, not one of its rooms.')
  return evaluator(values)
}
