import { stateOf } from '../tensor/tensor.ts'
import { type Backend, done, record, wantedBy, withoutUnasked } from './backend.ts'
import { keepingLive } from './live.ts'
import type { Tracer } from './tracer.ts'

/** Records the block and checks it against the model, but runs nothing: its tensors have dims and dtypes, and no values. */
export class ScanBackend implements Backend {
  run(tracer: Tracer): Promise<unknown> {
    return keepingLive(tracer, async () => {
      tracer.scanned = true
      const result = await record(tracer)
      if (tracer.isOpen) return done(tracer, result)
      await withoutUnasked(tracer, wantedBy(tracer, result), wanted =>
        tracer.engine.check(tracer.recording(wanted.map(tensor => stateOf(tensor).value))),
      )
      tracer.commit(result)
      return result
    })
  }
}
