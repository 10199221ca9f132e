import { writeFileSync } from 'node:fs'
import { program } from 'commander'
import { load, type TraceReport } from 'onnsight'
import { trace } from 'onnsight/trace.macro'
import * as ort from 'onnxruntime-node'
import { alignedWeights } from './aligned-weights.ts'
import { constructs } from './constructs.ts'
import { macroTime } from './macro.ts'
import { interleave, type Measure, measure, median } from './measure.ts'
import { privateDirty } from './memory.ts'
import { ensureGpt2 } from './models/gpt2.ts'

program
  .description('Ratios against onnxruntime-node on the same file, measured in turn.')
  .option('--json <file>', 'write the measures to a file')
  .option('--rounds <n>', 'rounds of each measure', '24')
  .parse()
const { json, rounds: roundsText } = program.opts<{ json?: string; rounds: string }>()
const rounds = Number(roundsText)
const results: Measure[] = []
const note = (result: Measure): void => {
  results.push(result)
  const verdict = result.holds === undefined ? '' : result.holds ? '  holds' : '  DOES NOT HOLD'
  console.log(
    `${result.name.padEnd(62)} ${String(result.value).padStart(9)} ${result.unit}${result.target === undefined ? '' : `  (≤ ${result.target})`}${verdict}`,
  )
}

const path = ensureGpt2()
const ids = (length: number, seed: number): number[] =>
  Array.from({ length }, (_, i) => (i * 7919 + seed * 104729) % 50257)
const feed = (list: number[]) => ({
  input_ids: new ort.Tensor('int64', BigInt64Array.from(list, BigInt), [1, list.length]),
})

const createTimes: number[] = []
for (let i = 0; i < 2; i++) {
  const start = performance.now()
  const session = await ort.InferenceSession.create(path)
  createTimes.push(performance.now() - start)
  await session.release()
}
const loadStart = performance.now()
const model = await load(path, { reuseBytes: 0 })
const loadMs = performance.now() - loadStart
const createMs = Math.min(...createTimes)
note(measure('load of the model, against one session’s creation', loadMs / createMs, '×', 1.2))
const loadTimes: number[] = []
for (const options of [{ groupBytes: 0 }, { blocks: 1 }]) {
  const start = performance.now()
  const other = await load(path, { reuseBytes: 0, ...options })
  loadTimes.push(performance.now() - start)
  await other.release()
}
note(measure('each further session at load', (loadTimes[0] - loadTimes[1]) / (model.engine.blocks.length - 1), 'ms'))
const bare = await ort.InferenceSession.create(path)

for (const [length, limit] of [
  [64, 1.03],
  [1, 1.05],
] as const) {
  const tokens = length === 1 ? '1 token' : `${length} tokens`
  const run = (round: number) => bare.run(feed(ids(length, round)))
  const readEdge = (round: number) =>
    model.trace([ids(length, round)], m => ({ h: m.transformer.h[5].output, logits: m.lm_head.output }))
  const editInside = (round: number) =>
    model.trace([ids(length, round)], m => {
      m.transformer.h[5].mlp.act.output.set('..., 0:64', 0)
      return m.lm_head.output
    })
  if (length > 1) {
    const [plain, edit] = await interleave(12, [run, editInside])
    note(measure(`edit inside one block, ${tokens}, in its first runs`, edit / plain, '×'))
    // A rebuilt block that is used again and again gets its weights prepacked.
    for (let round = 0; round < 32; round++) await editInside(round)
  }
  const [plain, edge, edit] = await interleave(rounds, [run, readEdge, editInside])
  note(measure(`read at a block’s edge, ${tokens}, against the bare run`, edge / plain, '×', limit))
  note(measure(`warm trace that edits inside one block, ${tokens}`, edit / plain, '×', 1.08))
}

// New interventions: each scales another set of places, so that no plan or session is known.
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
note(
  measure(
    'first run of a new intervention: link and create, against a whole session',
    median(extra) / createMs,
    '×',
    0.01,
  ),
)
note(measure('private memory for each further intervention', Math.max(0, privateDirty() - before) / 12, 'MB', 8))

const own: number[] = []
const onReport = (report: TraceReport) => own.push(report.ownMs * 1000)
for (let i = 0; i < 300; i++) {
  await trace(model, [ids(1, i)], { onReport }, () => {
    model.transformer.h[5].mlp.act.output.set('..., 0:64', 0)
    return model.lm_head.output
  })
}
note(measure('onnsight’s own time for a warm trace', median(own.slice(100)), 'µs', 150))
await model.release()

for (const result of await macroTime()) note(result)
for (const result of await constructs(path, ids, rounds)) note(result)
for (const result of await alignedWeights(path, ids, rounds)) note(result)

const sweeping = await load(path)
const states = await sweeping.trace([ids(64, 7)], m => [...m.transformer.h].map(layer => layer.output.slice(':, -1')))
const sweepOf = (slice: string) => async () => {
  for (let layer = 0; layer < 12; layer++) {
    await sweeping.trace([ids(64, 8)], m => {
      m.transformer.h[layer].output.set(':, -1', states[layer])
      return m.lm_head.output.slice(slice)
    })
  }
}
const [once, last, all] = await interleave(6, [() => bare.run(feed(ids(64, 8))), sweepOf(':, -1'), sweepOf('...')])
note(
  measure('a 12-layer patching sweep, the last position’s logits, against 12 bare runs', last / (12 * once), '×', 0.5),
)
note(measure('the same sweep, all logits', all / (12 * once), '×'))
await sweeping.release()
await bare.release()

const small = await load('examples/models/chars.onnx', { sessionBytes: 32 * 1024 * 1024 })
const kinds = async (from: number, to: number): Promise<void> => {
  for (let i = from; i < to; i++) {
    await small.trace([[1, 2, 3]], m => {
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
note(measure('growth of private memory from 500 to 2,000 interventions', Math.max(0, privateDirty() - warm), 'MB', 32))
note(measure('bytes in the session cache, of its limit', small.engine.cache.bytes / small.engine.cache.limit, '×', 1))
const ownSmall: number[] = []
// The first thousands are not compiled well yet.
for (let i = 0; i < 3000; i++) {
  await small.trace([[1, 2, i % 60]], { onReport: report => ownSmall.push(report.ownMs * 1000) }, m => {
    m.transformer.h[2].mlp.act.output.set('..., 0:64', 0)
    return m.lm_head.output
  })
}
note(
  measure(
    'onnsight’s own time for a warm trace of a small model: with warm caches',
    median(ownSmall.slice(2000)),
    'µs',
  ),
)
await small.release()

if (json) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`)
