import { load, type Tensor } from 'onnsight'
import { s, save, trace } from 'onnsight/trace.macro'

const model = await load(process.argv[2])
const inputs = { input_ids: [[18, 47, 56, 57]] }
let hidden!: Tensor
const plain = await trace(model, inputs, () => {
  hidden = save(model.transformer.h[1].output as Tensor)
  return model.lm_head.output
})
const edited = await trace(model, inputs, () => {
  model.transformer.h[2].mlp.output.set(s`:, -1`, 0 satisfies number)
  return model.lm_head.output
})
const shown = <output title={hidden.dims.join()}>{plain.dims.length}</output>
console.log(JSON.stringify({ plain: plain.tolist(), edited: edited.tolist(), hidden: hidden.dims, props: shown.props }))
await model.release()
