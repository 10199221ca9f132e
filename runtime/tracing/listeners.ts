import type { TraceReport } from '../engine/running/report.ts'
import { type Scope, variableScope } from '../graph/scope.ts'

/** Someone who hears of a model's traces, while the code that runs under it lasts. */
interface Listener {
  readonly model: object
  readonly hear: (report: TraceReport) => void
  readonly outer: Listener | undefined
}

let current: Scope<Listener> = variableScope()

export function listenerScope(): Scope<Listener> {
  return current
}

/** Chosen once, by the platform's entry point. */
export function useListenerScope(scope: Scope<Listener>): void {
  current = scope
}

/** Hears of every trace of the model that `body` runs, and of no other's. */
export async function listen(model: object, hear: Listener['hear'], body: () => unknown): Promise<void> {
  await current.run({ model, hear, outer: current.get() }, body)
}

/** Who hears of what begins now. @returns tells them of it, once it has ended */
export function audience(model: object): (report: TraceReport) => void {
  const first = current.get()
  return report => {
    for (let listener = first; listener; listener = listener.outer) if (listener.model === model) listener.hear(report)
  }
}
