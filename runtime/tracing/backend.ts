import type { TraceReport } from '../engine/running/report.ts'
import { OnnsightError } from '../errors/error.ts'
import { CycleError } from '../errors/link.ts'
import { recorderScope } from '../graph/recorder.ts'
import { setData, stateOf, type Tensor } from '../tensor/tensor.ts'
import { audience } from './listeners.ts'
import { keepingLive } from './live.ts'
import { collectTensors } from './result.ts'
import type { Tracer } from './tracer.ts'

/** Runs what a tracer recorded. One method: a backend may run here, in another process, or far away. */
export interface Backend {
  /** Runs the tracer’s block and gives the block’s result, its tensors computed. */
  run(tracer: Tracer): Promise<unknown>
}

/** Runs the trace here and now. */
export class ExecutionBackend implements Backend {
  /** Records the block, runs what is wanted, and gives the block’s result. */
  run(tracer: Tracer): Promise<unknown> {
    const tell = audience(tracer.model.identity)
    return keepingLive(tracer, async () => {
      const start = performance.now()
      const result = await record(tracer)
      if (tracer.isOpen) return done(tracer, result)
      const { tensors, ran } = await withoutUnasked(tracer, wantedBy(tracer, result), wanted =>
        tracer.runRecording(
          wanted.map(tensor => stateOf(tensor).value),
          false,
        ),
      )
      const { wanted, report } = ran
      tensors.forEach((tensor, i) => {
        setData(tensor, wanted[i])
      })
      await done(tracer, result)
      const whole = withWholeTime(report, performance.now() - start)
      tell(whole)
      tracer.kwargs.onReport?.(whole)
      return result
    })
  }
}

/** Checks the inputs and records the block: gives its result. */
export async function record(tracer: Tracer): Promise<unknown> {
  await tracer.begin()
  return recorderScope().run(tracer, () => tracer.execute())
}

/** What is to be computed: the tensors in the block's result, and those that it saved. */
export function wantedBy(tracer: Tracer, result: unknown): Tensor[] {
  return [...new Set([...collectTensors(result), ...tracer.saved])].filter(tensor => !tensor.computed)
}

/**
 * Does `run` for what is wanted. Where it stands in a circle, a value that only a variable holds may never be asked for: then it goes
 * without, and whoever asks for it hears of the circle.
 */
export async function withoutUnasked<R>(
  tracer: Tracer,
  wanted: readonly Tensor[],
  run: (wanted: readonly Tensor[]) => R | Promise<R>,
): Promise<{ readonly tensors: readonly Tensor[]; readonly ran: R }> {
  try {
    return { tensors: wanted, ran: await run(wanted) }
  } catch (error) {
    if (!isCycle(error)) throw error
    const tensors = wanted.filter(tensor => !tracer.flowing.has(tensor) || isSound(tracer, tensor))
    if (tensors.length === wanted.length) throw error
    return { tensors, ran: await run(tensors) }
  }
}

function isSound(tracer: Tracer, tensor: Tensor): boolean {
  try {
    tracer.engine.check(tracer.recording([stateOf(tensor).value]))
    return true
  } catch (error) {
    if (!isCycle(error)) throw error
    stateOf(tensor).setFailure(error)
    return false
  }
}

/** Also one that comes from another process. */
const isCycle = (error: unknown): error is OnnsightError =>
  error instanceof OnnsightError && error.code === CycleError.code

/** All values are here: the block's variables get theirs. */
export async function done(tracer: Tracer, result: unknown): Promise<unknown> {
  await tracer.settle()
  tracer.commit(result)
  return result
}

/** The report with the time of the whole trace, checking the inputs and recording included. */
function withWholeTime(report: TraceReport, totalMs: number): TraceReport {
  return { ...report, totalMs, ownMs: report.ownMs + totalMs - report.totalMs }
}
