import { load } from 'onnsight'
import { closeTo } from 'onnsight/testing'
import { trace } from 'onnsight/trace.macro'
import { look } from './look'

// Jest loads onnsight's entry for Node, which reads a model from a file.
test('the last row of the lens is the model’s own prediction', async () => {
  const model = await load('public/models/chars.onnx')
  const ids = [18, 47, 56, 57]
  const { lens, patterns } = await look(model, ids)
  const best = await trace(model, [ids], () => model.lm_head.output.slice('0').softmax(-1).max(-1))
  expect(lens[lens.length - 1].ids).toEqual(best.indices.tolist())
  closeTo(best.values, lens[lens.length - 1].shares)
  expect(patterns[0][0]).toHaveLength(ids.length)
  for (const row of patterns[1][0]) expect(row.reduce((sum, share) => sum + share)).toBeCloseTo(1, 4)
}, 60_000)
