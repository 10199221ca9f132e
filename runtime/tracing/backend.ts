import type { TraceReport } from '../engine/report.ts'
import { ExitTracingException } from '../errors/trace.ts'
import { recorderScope } from '../graph/recorder.ts'
import { collectTensors } from './result.ts'
import type { Tracer } from './tracer.ts'

/** Runs what a tracer recorded. One method: a backend may run here, in another process, or far away. */
export interface Backend {
  run(tracer: Tracer): Promise<unknown>
}

/** Runs the trace here and now. */
export class ExecutionBackend implements Backend {
  async run(tracer: Tracer): Promise<unknown> {
    const start = performance.now()
    const { frame, live } = tracer.info ?? { frame: undefined, live: [] }
    const before = live.map(name => [name, frame?.get(name)] as const)
    try {
      await tracer.begin()
      const result = await execute(tracer)
      const tensors = [...new Set([...collectTensors(result), ...tracer.saved])].filter(tensor => !tensor.computed)
      const { wanted, report } = await tracer.model.engine.run({
        recording: tracer.recording(tensors.map(tensor => tensor.node)),
        inputs: tracer.inputs,
        given: tracer.given,
        signal: tracer.kwargs.signal,
      })
      tensors.forEach((tensor, i) => {
        tensor.fulfil(wanted[i])
      })
      tracer.commit()
      const whole = withWholeTime(report, performance.now() - start)
      tracer.model.report(whole)
      tracer.kwargs.onReport?.(whole)
      return result
    } catch (error) {
      tracer.finished = true
      for (const [name, value] of before) frame?.set(name, value)
      throw error
    }
  }
}

async function execute(tracer: Tracer): Promise<unknown> {
  const scope = recorderScope()
  try {
    return await scope.run(tracer, async () => tracer.execute())
  } catch (error) {
    if (error instanceof ExitTracingException) return undefined
    throw error
  }
}

/** The report with the time of the whole trace, checking the inputs and recording included. */
function withWholeTime(report: TraceReport, totalMs: number): TraceReport {
  return { ...report, totalMs, ownMs: report.ownMs + totalMs - report.totalMs }
}
