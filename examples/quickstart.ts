import { load, type Tensor } from 'onnsight'
import { s, save, trace } from 'onnsight/trace.macro'

const model = await load('examples/models/chars.onnx')
let hidden!: Tensor

const logits = await trace(model, { input_ids: [[18, 47, 56, 57]] }, () => {
  hidden = save(model.transformer.h[1].output)
  model.transformer.h[2].mlp.output.set(s`:, -1`, 0)
  return model.lm_head.output
})

console.log(hidden.dims, logits.dims)
console.log(await logits.slice(s`0, -1, :4`).value())
await model.release()
