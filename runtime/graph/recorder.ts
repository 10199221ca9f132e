import { useBlockPosition } from '../errors/error.ts'
import { installed } from '../errors/installed.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import type { Dims, Mark, TapOwner, Value } from './expression.ts'
import { type Scope, variableScope } from './scope.ts'

/** The trace that a handle belongs to, as far as the handle needs it. */
export interface Recorder extends TapOwner {
  /** Whether the trace has ended. Handles that were not saved are then released. */
  readonly finished: boolean
  /** The trace of a generation's next step, if the block of this trace goes on in it. */
  readonly continuedBy?: Recorder | undefined
  /** Whether the block is only recorded and never runs, so that handles have dims and dtypes, but no values. */
  readonly isOnlyScanned?: boolean
  /** Whether nothing that the block prints is shown, because it is recorded for a file. */
  readonly isSilent?: boolean
  /** Replaces unknown dims of a handle by those that the user should see. */
  readonly resolveDims?: ((dims: Dims, label: string) => Dims) | undefined
  /** The trace's name in messages: `src/steer.ts:9:22`. */
  readonly name: string
  mark(): Mark | undefined
  /** Notes the line of the next statement. The macro calls it before each one. */
  noteMark?(mark: Mark): void
  /** The trace of the code that called this one. It is current again while this one's block waits. */
  readonly caller?: Recorder | undefined
  /** Runs one call of the user. Everything it records gets the call's line. */
  oneCall<R>(body: () => R): R
  /** Runs the model as far as the value needs, and computes nothing twice. */
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

/** The scope that has the current recorder. */
export function recorderScope(): Scope<Recorder> {
  return current
}

/** Called once, by the platform's entry point. */
export function useRecorderScope(scope: Scope<Recorder>): void {
  current = scope
}

/** Computes lazy tensors outside any trace. The platform's entry point installs it, as `tensor/` does not import the engine. */
export type Evaluator = (values: readonly Value[]) => Promise<TensorData[]>

let evaluator: Evaluator | undefined

export function useEvaluator(run: Evaluator): void {
  evaluator = run
}

export function evaluate(values: readonly Value[]): Promise<TensorData[]> {
  return installed(evaluator)(values)
}
