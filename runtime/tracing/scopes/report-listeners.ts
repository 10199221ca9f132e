import type { TraceReport } from '../../engine/running/report.ts'
import { type Scope, variableScope } from '../../graph/scope.ts'

/** Gets the reports of a model's traces while some code runs. */
interface Listener {
  readonly model: object
  readonly onReport: (report: TraceReport) => void
  readonly outer: Listener | undefined
}

let current: Scope<Listener> = variableScope()

export function listenerScope(): Scope<Listener> {
  return current
}

/** Sets the scope. Each platform's entry point calls this once. */
export function useListenerScope(scope: Scope<Listener>): void {
  current = scope
}

/** Calls `onReport` for every trace of the model that `body` runs, and for no other model's. */
export async function listen(model: object, onReport: Listener['onReport'], body: () => unknown): Promise<void> {
  await current.run({ model, onReport, outer: current.get() }, body)
}

/** Finds the listeners of a trace that begins now. @returns a function that passes them the report, once the trace has ended */
export function reportListeners(model: object): (report: TraceReport) => void {
  const first = current.get()
  return report => {
    for (let listener = first; listener; listener = listener.outer)
      if (listener.model === model) listener.onReport(report)
  }
}
