import { load } from 'onnsight'
import { s, trace } from 'onnsight/trace.macro'

const model = await load(process.argv[2])
const inputs: { input_ids: number[][] } = { input_ids: [[18, 47, 56, 57]] }
const plain = await trace(model, inputs, () => model.lm_head.output)
const edited = await trace(model, inputs, () => {
  model.transformer.h[2].mlp.output.set(s`:, -1`, 0)
  return model.lm_head.output
})
console.log(JSON.stringify({ plain: plain.tolist(), edited: edited.tolist() }))
await model.release()
