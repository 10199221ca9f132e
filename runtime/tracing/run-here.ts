import type { TraceReport } from '../engine/running/report.ts'
import { OnnsightError } from '../errors/error.ts'
import { CycleError } from '../errors/link.ts'
import { recorderScope } from '../graph/recorder.ts'
import { setData, stateOf, type Tensor } from '../tensor/tensor.ts'
import { restoringVariables } from './blocks/restoring-variables.ts'
import type { RunningTrace } from './running-trace.ts'
import { reportListeners } from './scopes/report-listeners.ts'
import { collectTensors } from './values/collect-tensors.ts'

/** Records the block of a trace and runs what is wanted. @returns the block's result, its tensors computed */
export function runHere(trace: RunningTrace): Promise<unknown> {
  const report = reportListeners(trace.model.identity)
  return restoringVariables(trace, async () => {
    const start = performance.now()
    const result = await recordBlock(trace)
    if (trace.awaitsInvokes) return finish(trace, result)
    const { tensors, ran } = await withoutUnusedCycles(trace, wantedBy(trace, result), wanted =>
      trace.runRecording(
        wanted.map(tensor => stateOf(tensor).value),
        false,
      ),
    )
    tensors.forEach((tensor, i) => {
      setData(tensor, ran.wanted[i])
    })
    await finish(trace, result)
    const whole = withWholeTime(ran.report, performance.now() - start)
    report(whole)
    trace.onReport?.(whole)
    return result
  })
}

/** Checks the inputs and records the block. @returns the block's result */
export async function recordBlock(trace: RunningTrace): Promise<unknown> {
  await trace.begin()
  return recorderScope().run(trace, () => trace.execute())
}

/** Returns the tensors that the run must compute: those in the block's result, and those that it saved. */
export function wantedBy(trace: RunningTrace, result: unknown): Tensor[] {
  return [...new Set([...collectTensors(result), ...trace.saved])].filter(tensor => !tensor.computed)
}

/**
 * Calls `run` with the wanted tensors. If they form a cycle, it calls `run` again without those in the cycle that only a variable holds:
 * probably nobody reads them, and whoever does gets the error then.
 */
export async function withoutUnusedCycles<R>(
  trace: RunningTrace,
  wanted: readonly Tensor[],
  run: (wanted: readonly Tensor[]) => R | Promise<R>,
): Promise<{ readonly tensors: readonly Tensor[]; readonly ran: R }> {
  try {
    return { tensors: wanted, ran: await run(wanted) }
  } catch (error) {
    if (!isCycle(error)) throw error
    const tensors = wanted.filter(tensor => !trace.heldByVariables.has(tensor) || isSound(trace, tensor))
    if (tensors.length === wanted.length) throw error
    return { tensors, ran: await run(tensors) }
  }
}

function isSound(trace: RunningTrace, tensor: Tensor): boolean {
  try {
    trace.engine.check(trace.recording([stateOf(tensor).value]))
    return true
  } catch (error) {
    if (!isCycle(error)) throw error
    stateOf(tensor).setFailure(error)
    return false
  }
}

/** Whether an error is that of a cycle, also if it comes from another process. */
const isCycle = (error: unknown): error is OnnsightError =>
  error instanceof OnnsightError && error.code === CycleError.code

/** Ends a trace whose values are all computed: the block's variables get theirs. */
export async function finish(trace: RunningTrace, result: unknown): Promise<unknown> {
  await trace.settle()
  trace.commit(result)
  return result
}

/** Returns the report with the time of the whole trace, including checking the inputs and recording. */
function withWholeTime(report: TraceReport, totalMs: number): TraceReport {
  return { ...report, totalMs, ownMs: report.ownMs + totalMs - report.totalMs }
}
