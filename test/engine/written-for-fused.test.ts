import test from 'ava'
import { load, type Tensor } from 'onnsight'
import { trace } from 'onnsight/trace.macro'

// A fused node reads one written value among others that are not written. A trace that reads inside the node runs it in plain operators: both give the same.

const ids = [[5, 6, 7, 8, 9]]
const places = [
  'input_layernorm',
  'attn.q_proj',
  'attn.k_proj',
  'attn.v_proj',
  'attn.o_proj',
  'mlp.gate_proj',
  'mlp.up_proj',
  'mlp.down_proj',
]

const off = (a: Tensor, b: Tensor): number => {
  const [x, y] = [a.data as Float32Array, b.data as Float32Array]
  return Math.max(...x.map((each, i) => Math.abs(each - y[i]))) / Math.max(...y.map(Math.abs))
}

test('each value that a fused operator reads can be written alone', async t => {
  const model = await load('test/fixtures/models/verse/onnx/model_q4.onnx')
  const plain = await trace(model, ids, () => model.lm_head.output)
  for (const place of places) {
    const written = (layer: string) => model.module(`model.layers.${layer}.${place}`)
    const fused = await trace(model, ids, () => {
      written('0').output = written('0').output.mul(1.5)
      return model.lm_head.output
    })
    const opened = await trace(model, ids, () => {
      written('0').output = written('0').output.mul(1.5)
      return { logits: model.lm_head.output, pattern: model.model.layers[0].attn.heads[0].pattern }
    })
    t.true(off(fused, opened.logits) < 1e-4, `${place}: ${off(fused, opened.logits)}`)
    t.true(off(fused, plain) > 1e-4, place)
  }
  await model.release()
})
