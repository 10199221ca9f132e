import { stateOf } from '../tensor/tensor.ts'
import { restoringVariables } from './blocks/restoring-variables.ts'
import { traceOf } from './current-trace.ts'
import { finish, recordBlock, wantedBy, withoutUnusedCycles } from './run-here.ts'
import type { Backend, Tracer } from './tracer.ts'

/** Records the block and checks it against the model without running it: its tensors have dims and dtypes, but no values. */
export class ScanBackend implements Backend {
  run(tracer: Tracer): Promise<unknown> {
    const trace = traceOf(tracer)
    return restoringVariables(trace, async () => {
      trace.isOnlyScanned = true
      const result = await recordBlock(trace)
      if (trace.awaitsInvokes) return finish(trace, result)
      await withoutUnusedCycles(trace, wantedBy(trace, result), wanted =>
        trace.engine.check(trace.recording(wanted.map(tensor => stateOf(tensor).value))),
      )
      trace.commit(result)
      return result
    })
  }
}
