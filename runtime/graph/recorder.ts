import { useBlockPosition } from '../errors/error.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import type { Dims, Mark, TapOwner, Value } from './expression.ts'
import { type Scope, variableScope } from './scope.ts'

/** What a handle needs of the trace it belongs to. */
export interface Recorder extends TapOwner {
  /** True once the trace has ended: handles that were not saved are released. */
  readonly finished: boolean
  /** The trace of a generation's next step, in which the block of this one goes on. */
  readonly continuedBy?: Recorder | undefined
  /** Nothing was run: handles have dims and dtypes, and never a value. */
  readonly isOnlyScanned?: boolean
  /** Nothing that its block prints is shown, as it is recorded for a file. */
  readonly isSilent?: boolean
  /** Replaces unknown dims of a handle by those that the user should see. */
  readonly resolveDims?: ((dims: Dims, label: string) => Dims) | undefined
  /** Names the trace in messages: `src/steer.ts:9:22`. */
  readonly name: string
  mark(): Mark | undefined
  /** The macro notes each statement's line before it runs. */
  noteMark?(mark: Mark): void
  /** The trace of the code that called. It is current again there while this one's block waits. */
  readonly caller?: Recorder | undefined
  /** Runs one call of the user's: all that it records stands at the line the call is on. */
  oneCall<R>(body: () => R): R
  /** Runs the model as far as the value needs; nothing is computed twice. */
  force(value: Value): Promise<TensorData>
}

let current: Scope<Recorder> = variableScope()

export function currentRecorder(): Recorder | undefined {
  let recorder = current.get()
  while (recorder?.continuedBy) recorder = recorder.continuedBy
  return recorder
}

useBlockPosition(() => {
  const recorder = currentRecorder()
  return recorder && !recorder.finished ? recorder.mark()?.position() : undefined
})

/** Keeps track of the recorder that is current. */
export function recorderScope(): Scope<Recorder> {
  return current
}

/** Chosen once, by the platform's entry point. */
export function useRecorderScope(scope: Scope<Recorder>): void {
  current = scope
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
