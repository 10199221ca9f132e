import { currentRecorder } from '../graph/recorder.ts'
import { RunningTrace } from './running-trace.ts'

const traces = new WeakMap<object, RunningTrace>()

/** Returns the trace of a `Tracer`, for the library's own code. */
export function traceOf(tracer: object): RunningTrace {
  const trace = traces.get(tracer)
  if (!trace) throw new Error('This is no Tracer.')
  return trace
}

/** Connects a `Tracer` with its trace. */
export function bindTracer(tracer: object, trace: RunningTrace): void {
  traces.set(tracer, trace)
}

/** Returns the trace that the code runs in; undefined outside of a trace, and after its end. */
export function currentTrace(): RunningTrace | undefined {
  const recorder = currentRecorder()
  return recorder instanceof RunningTrace && !recorder.finished ? recorder : undefined
}
