import test from 'ava'
import { load, type TraceReport } from 'onnsight'
import { near } from '../near.ts'

test('a run with large values that rebuilds many blocks has sessions of its own, which keep no memory; small runs keep theirs', async t => {
  const model = await load('test/fixtures/models/chars.onnx', { reuseBytes: 0 })
  const ids = (rows: number, seed: number) =>
    Array.from({ length: rows }, (_, row) => Array.from({ length: 64 }, (_, i) => (i * 7 + row * 3 + seed) % 65))
  const patterns = async (prompts: number[][]) => {
    const reports: TraceReport[] = []
    const found = await model.trace(prompts, { onReport: report => reports.push(report) }, m =>
      [...m.transformer.h].map(layer => layer.attn.heads.pattern),
    )
    const rebuilt = reports.flatMap(report => report.steps.filter(({ kind }) => kind === 'rebuilt'))
    return { found, created: rebuilt.map(({ createMs }) => createMs !== undefined) }
  }
  const [none, all] = [false, true].map(created => Array.from({ length: 4 }, () => created))
  const large = ids(80, 1)
  t.deepEqual((await patterns(large.slice(0, 1))).created, all)
  const first = await patterns(large)
  t.deepEqual(first.created, all)
  t.deepEqual((await patterns(ids(80, 2))).created, none)
  const again = await patterns(large.slice(0, 1))
  t.deepEqual(again.created, none)
  for (const [layer, pattern] of again.found.entries())
    t.true(near(pattern, await first.found[layer].slice(':1').value(), 1e-5))
  await model.release()
})
