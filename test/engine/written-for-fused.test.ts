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

test('values from outside stand in the place of one, or of all, that a fused attention reads', async t => {
  const model = await load('test/fixtures/models/verse/onnx/model_q4.onnx')
  const plain = await trace(model, ids, () => model.lm_head.output)
  const parts = ['q_proj', 'k_proj', 'v_proj']
  const known = await trace(model, ids, () => parts.map(part => model.module(`model.layers.0.attn.${part}`).output))
  for (const chosen of [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]]) {
    for (const factor of [1, 1.5]) {
      const logits = await trace(model, ids, () => {
        for (const i of chosen) {
          const place = model.module(`model.layers.0.attn.${parts[i]}`)
          place.output = factor === 1 ? known[i] : known[i].mul(factor)
        }
        return model.lm_head.output
      })
      if (factor === 1) t.true(off(logits, plain) < 1e-5, String(chosen))
      else t.true(off(logits, plain) > 1e-4, String(chosen))
    }
  }
  await model.release()
})
