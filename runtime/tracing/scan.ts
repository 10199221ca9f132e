import { recorderScope } from '../graph/recorder.ts'
import { type Backend, done, keepingLive } from './backend.ts'
import { collectTensors } from './result.ts'
import type { Tracer } from './tracer.ts'

/** Records the block and checks it against the model, but runs nothing: its tensors have dims and dtypes, and no values. */
export class ScanBackend implements Backend {
  run(tracer: Tracer): Promise<unknown> {
    return keepingLive(tracer, async () => {
      tracer.scanned = true
      await tracer.begin()
      const result = await recorderScope().run(tracer, () => tracer.execute())
      if (tracer.isOpen) return done(tracer, result)
      const wanted = [...new Set([...collectTensors(result), ...tracer.saved])].filter(tensor => !tensor.computed)
      tracer.engine.check(tracer.recording(wanted.map(tensor => tensor.node)))
      tracer.commit(result)
      return result
    })
  }
}
