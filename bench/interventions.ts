import { load, type TraceReport } from 'onnsight'
import { trace } from 'onnsight/trace.macro'
import { ids } from './ids.ts'
import { type Measure, measure, median, percentile } from './measure.ts'
import { privateDirty } from './memory.ts'

/** Measures the time and memory of a new intervention, and the time of onnsight's own JavaScript in a warm one. */
export async function interventions(kind: string, path: string, createMs: number): Promise<Measure[]> {
  const model = await load(path, { reuseBytes: 0 })
  for (let i = 0; i < 3; i++) await model.run([ids(1, i)])
  // Each intervention scales another place, so that no plan or session is known.
  const before = privateDirty()
  const extra: number[] = []
  for (let i = 0; i < 12; i++) {
    const reports: TraceReport[] = []
    await model.trace([ids(1, i)], { onReport: report => reports.push(report) }, m => {
      m.transformer.h[i].mlp.act.output = m.transformer.h[i].mlp.act.output.mul(0.5)
      return m.lm_head.output
    })
    extra.push(reports[0].ownMs + reports[0].steps.reduce((sum, step) => sum + (step.createMs ?? 0), 0))
  }
  const memory = Math.max(0, privateDirty() - before) / 12
  const own: number[] = []
  const onReport = (report: TraceReport) => own.push(report.ownMs * 1000)
  for (let i = 0; i < 400; i++) {
    await trace(model, [ids(1, i)], { onReport }, () => {
      model.transformer.h[5].mlp.act.output.set('..., 0:64', 0)
      return model.lm_head.output
    })
  }
  const warm = own.slice(200)
  await model.release()
  return [
    measure(
      `first run of a new intervention, against a session’s creation: ${kind}`,
      median(extra) / createMs,
      '×',
      0.01,
      percentile(extra, 0.1) / createMs,
    ),
    measure(`private memory for each further intervention: ${kind}`, memory, 'MB', 8),
    measure(`onnsight’s own time for a warm trace: ${kind}`, median(warm), 'µs', 150, percentile(warm, 0.1)),
  ]
}
