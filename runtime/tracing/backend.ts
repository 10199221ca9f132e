import type { TraceReport } from '../engine/report.ts'
import { recorderScope } from '../graph/recorder.ts'
import { tell } from './listeners.ts'
import { collectTensors } from './result.ts'
import type { Tracer } from './tracer.ts'

/** Runs what a tracer recorded. One method: a backend may run here, in another process, or far away. */
export interface Backend {
  run(tracer: Tracer): Promise<unknown>
}

/** Runs the trace here and now. */
export class ExecutionBackend implements Backend {
  run(tracer: Tracer): Promise<unknown> {
    const start = performance.now()
    return keepingLive(tracer, async () => {
      await tracer.begin()
      const result = await recorderScope().run(tracer, () => tracer.execute())
      if (tracer.isOpen) return done(tracer, result)
      const tensors = [...new Set([...collectTensors(result), ...tracer.saved])].filter(tensor => !tensor.computed)
      const { wanted, report } = await tracer.runRecording(
        tensors.map(tensor => tensor.node),
        false,
      )
      tensors.forEach((tensor, i) => {
        tensor.fulfil(wanted[i])
      })
      await tracer.settle()
      tracer.commit(result)
      const whole = withWholeTime(report, performance.now() - start)
      tell(tracer.model.identity, whole)
      tracer.kwargs.onReport?.(whole)
      return result
    })
  }
}

/** All that ran were its invokes. */
export async function done(tracer: Tracer, result: unknown): Promise<unknown> {
  await tracer.settle()
  tracer.commit(result)
  return result
}

/** Where it fails, the outer variables that the block assigned in place are what they were. */
export async function keepingLive<R>(tracer: Tracer, run: () => Promise<R>): Promise<R> {
  const { frame, live } = tracer.info ?? { frame: undefined, live: [] }
  const before = live.map(name => [name, frame?.get(name)] as const)
  try {
    return await run()
  } catch (error) {
    tracer.finished = true
    for (const [name, value] of before) frame?.set(name, value)
    throw error
  }
}

/** The report with the time of the whole trace, checking the inputs and recording included. */
function withWholeTime(report: TraceReport, totalMs: number): TraceReport {
  return { ...report, totalMs, ownMs: report.ownMs + totalMs - report.totalMs }
}
