import { load } from 'onnsight'
import { type Measure, measure, median } from './measure.ts'
import { privateDirty } from './memory.ts'

/** Measures two thousand interventions on a small model: the memory that they leave, and the time of compiled JavaScript. */
export async function small(): Promise<Measure[]> {
  const model = await load('examples/models/chars.onnx', { sessionBytes: 32 * 1024 * 1024 })
  const kinds = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i++) {
      await model.trace([[1, 2, 3]], m => {
        let h = m.transformer.h[i % 4].mlp.act.output
        for (let bit = 0; bit < 11; bit++) h = (i >> bit) & 1 ? h.tanh() : h.neg()
        m.transformer.h[i % 4].mlp.act.output = h
        return m.lm_head.output
      })
    }
  }
  await kinds(0, 500)
  const warm = privateDirty()
  await kinds(500, 2000)
  const grown = Math.max(0, privateDirty() - warm)
  const held = model.engine.cache.bytes / model.engine.cache.limit
  const own: number[] = []
  // The JavaScript of the first thousands is not fully compiled yet.
  for (let i = 0; i < 3000; i++) {
    await model.trace([[1, 2, i % 60]], { onReport: report => own.push(report.ownMs * 1000) }, m => {
      m.transformer.h[2].mlp.act.output.set('..., 0:64', 0)
      return m.lm_head.output
    })
  }
  await model.release()
  return [
    measure('growth of private memory from 500 to 2,000 interventions', grown, 'MB', 32),
    measure('bytes in the session cache, of its limit', held, '×', 1),
    measure('onnsight’s own time for a warm trace: a small model, with warm caches', median(own.slice(2000)), 'µs'),
  ]
}
