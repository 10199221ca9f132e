import { load } from 'onnsight'
import { s, trace } from 'onnsight/trace.macro'

const model = await load('examples/models/chars.onnx')
const inputs = { input_ids: [[18, 47, 56, 57]] }

import { closeTo, snapshotOf } from 'onnsight/testing'

const { pattern, logits } = await trace(model, inputs, () => ({
  pattern: model.transformer.h[0].attn.ops.Softmax[0].output,
  logits: model.lm_head.output,
}))
closeTo(await pattern.sum(-1).value(), await pattern.sum(-1).mul(0).add(1).value()) // each query’s shares sum up to 1
console.log(snapshotOf(logits, { digits: 2 })) // for t.snapshot() or toMatchSnapshot()

await model.release()
