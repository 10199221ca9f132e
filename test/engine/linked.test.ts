import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { load, type Tensor } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { encode, randomGraph, valueName } from './random-graph.ts'
import '../one-thread.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-'))
let files = 0
function file(bytes: Uint8Array): string {
  const path = join(folder, `${files++}.onnx`)
  writeFileSync(path, bytes)
  return path
}

const x = new Float32Array([0.5, -1, 2, 0.25, -0.75, 1.5])
const feed = {
  x: [
    [0.5, -1, 2],
    [0.25, -0.75, 1.5],
  ],
}
async function plain(bytes: Uint8Array): Promise<Float32Array[]> {
  const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled', logSeverityLevel: 4 })
  const results = await session.run({ x: new ort.Tensor('float32', x, [2, 3]) })
  await session.release()
  return session.outputNames.map(name => results[name].data as Float32Array)
}

function close(got: Tensor, expected: Float32Array): boolean {
  const data = got.data as Float32Array
  return (
    data.length === expected.length &&
    expected.every((value, i) => Math.abs(value - data[i]) <= 1e-5 * Math.max(1, Math.abs(value)))
  )
}

const plan = fc.record({
  graph: randomGraph,
  picks: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
  reads: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
  blocks: fc.integer({ min: 1, max: 6 }),
  // The graphs have no weights. So each block has its own session, or all share one.
  groupBytes: fc.constantFrom(0, 1),
})

test('a linked intervention equals onnxruntime on the graph rewritten as a whole, for any number of blocks', async t => {
  let moved = 0
  await fc.assert(
    fc.asyncProperty(plan, async ({ graph, picks, reads, blocks, groupBytes }) => {
      const count = graph.nodes.length
      const edited = [...new Set(picks.map(pick => 1 + (pick % count)))]
      const wanted = [...new Set([...reads.map(read => 1 + (read % count)), count])]
      const edits = edited.map(value => ({ value, factor: 1 + value / 4 }))
      const expected = await plain(encode(graph, edits, wanted))
      const unedited = await plain(encode(graph, [], wanted))
      const model = await load(file(encode(graph)), { blocks, groupBytes })
      const run = async () =>
        model.trace(feed, m => {
          for (const { value, factor } of edits)
            m.tensor(valueName(value)).set('...', m.tensor(valueName(value)).mul(factor))
          return wanted.map(i => m.tensor(valueName(i)))
        })
      const got = await run()
      const again = await run()
      if (expected.some((data, i) => data.some((value, j) => value !== unedited[i][j]))) moved++
      await model.release()
      return got.every((tensor, i) => close(tensor, expected[i]) && close(again[i], expected[i]))
    }),
    { numRuns: 60 },
  )
  t.true(moved > 30, `only ${moved} of the edits moved a result`)
})

test('reading changes nothing, and writing what was read changes nothing', async t => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ graph, reads, blocks, groupBytes }) => {
      const count = graph.nodes.length
      const [expected] = await plain(encode(graph))
      const model = await load(file(encode(graph)), { blocks, groupBytes })
      const names = reads.map(read => valueName(1 + (read % count)))
      const { y } = await model.trace(feed, m => ({
        seen: names.map(name => m.tensor(name)),
        y: m.tensor(valueName(count)),
      }))
      const same = await model.trace(feed, m => {
        for (const name of names) m.tensor(name).set('...', m.tensor(name))
        return m.tensor(valueName(count))
      })
      await model.release()
      return close(y, expected) && close(same, expected)
    }),
    { numRuns: 30 },
  )
  t.pass()
})

test('forcing a value on the way gives the same result as not forcing it', async t => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ graph, picks, blocks, groupBytes }) => {
      const count = graph.nodes.length
      const at = valueName(1 + (picks[0] % count))
      const model = await load(file(encode(graph)), { blocks, groupBytes })
      const straight = await model.trace(feed, m => m.tensor(valueName(count)))
      const forced = await model.trace(feed, async m => {
        const value = await m.tensor(at).value()
        return { value, y: m.tensor(valueName(count)) }
      })
      const direct = await model.trace(feed, m => m.tensor(at))
      await model.release()
      return close(forced.y, straight.data as Float32Array) && close(forced.value, direct.data as Float32Array)
    }),
    { numRuns: 40 },
  )
  t.pass()
})
