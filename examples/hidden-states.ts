// Reads the residual stream after every layer, and how far each layer moves it.
import { load, type Tensor } from 'onnsight'
import { save, trace } from 'onnsight/trace.macro'
import { bar, encode } from './shared/text.ts'

const model = await load('examples/models/chars.onnx')
const states: Tensor[] = []
await trace(model, { input_ids: [encode('What light through yonder')] }, () => {
  states.push(save(model.transformer.h[0].input))
  for (const layer of model.transformer.h) states.push(save(layer.output))
})

const norms: number[] = []
for (const state of states) norms.push(Number((await state.norm(2, -1).mean().value()).item()))
const most = Math.max(...norms)
console.log('mean norm of the residual stream over 25 positions')
norms.forEach((norm, i) => {
  console.log(`${i === 0 ? 'embeddings' : `layer ${i - 1}   `}  ${bar(norm / most)} ${norm.toFixed(2)}`)
})
await model.release()
