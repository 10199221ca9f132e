import { currentRecorder } from '../graph/recorder.ts'
import { RunningTrace } from './running-trace.ts'

const traces = new WeakMap<object, RunningTrace>()

/** What the library's rooms use of the trace that a `Tracer` stands for. */
export function traceOf(tracer: object): RunningTrace {
  const trace = traces.get(tracer)
  if (!trace) throw new Error('This is no Tracer.')
  return trace
}

/** Ties a `Tracer` to its trace. */
export function bindTracer(tracer: object, trace: RunningTrace): void {
  traces.set(tracer, trace)
}

/** The trace that the code runs in; undefined outside, and after its end. */
export function currentTrace(): RunningTrace | undefined {
  const recorder = currentRecorder()
  return recorder instanceof RunningTrace && !recorder.finished ? recorder : undefined
}
