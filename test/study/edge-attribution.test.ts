import { readFileSync } from 'node:fs'
import test from 'ava'
import { load } from 'onnsight'
import { edgeAttribution, logitDifference } from 'onnsight/study'
import { off, reference } from './reference.ts'

/** EAP and EAP-IG in PyTorch, with a copy of the stream for each receiver (test/reference/make_attribution.py). */
const { edges: due } = JSON.parse(readFileSync('test/reference/attribution.json', 'utf8')) as {
  edges: readonly number[][][]
}

const model = await load('test/fixtures/models/chars.onnx')
test.after.always(() => model.release())

const { clean, corrupted } = reference.prompts
const options = { clean: [clean], corrupted: [corrupted], metric: logitDifference(...reference.answers) }

for (const [i, steps] of [1, 3].entries())
  test(`edge attribution with ${steps} steps gives PyTorch’s numbers, on edges that lead forward`, async t => {
    const found = await edgeAttribution(model, { ...options, steps })
    const scores = found.scores.tolist() as number[][]
    const [from, to] = found.axes.map(({ labels }) => labels)
    t.deepEqual([from.length, to.length], [1 + 4 * 5, 4 * 13 + 1])
    const layerOf = (name: string) => Number(/ (\d+)/.exec(name)?.[1] ?? (name === 'logits' ? 9 : -1))
    const isBefore = (a: string, b: string) =>
      layerOf(a) < layerOf(b) || (layerOf(a) === layerOf(b) && a.startsWith('head') && b.startsWith('MLP'))
    const masked = due[i].map((row, r) => row.map((one, c) => (isBefore(from[r], to[c]) ? one : 0)))
    t.true(off(scores, masked) < 1e-3)
    const count = from.flatMap(a => to.filter(b => isBefore(a, b))).length
    t.is(found.edges.length, count)
    const [first] = found.edges
    t.is(Math.abs(first.score), Math.max(...scores.flat().map(Math.abs)))
    t.is(scores[from.indexOf(first.from)][to.indexOf(first.to)], Math.fround(first.score))
  })

test('edges print and draw themselves, and several pairs give the mean', async t => {
  const found = await edgeAttribution(model, options)
  t.regex(String(found), /Edge attribution: how far the logit difference/)
  t.regex((await found.plot()).svg, /Edge attribution/)
  const twice = { ...options, clean: [clean, clean], corrupted: [corrupted, corrupted] }
  const both = await edgeAttribution(model, twice)
  t.true(off(both.scores.tolist(), found.scores.tolist() as number[][]) < 1e-5)
  await t.throwsAsync(edgeAttribution(model, { ...options, steps: 0 }), { message: /steps is 0/ })
})
