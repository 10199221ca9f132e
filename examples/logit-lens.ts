// Shows what the model would predict if it stopped after each layer: one run applies the final norm and the head to every layer's output.
import { load } from 'onnsight'
import { trace } from 'onnsight/trace.macro'
import { bar, encode, show } from './shared/text.ts'

const model = await load('examples/models/chars.onnx')
const text = 'What light through yon'
const lens = await trace(model, { input_ids: [encode(text)] }, () =>
  [...model.transformer.h].map(layer =>
    model.lm_head(model.transformer.ln_f(layer.output)).slice('0, -1').softmax(-1).topk(3),
  ),
)

console.log(`after ${JSON.stringify(text)}, each layer's best three next characters`)
lens.forEach(({ values, indices }, layer) => {
  const ids = indices.tolist() as number[]
  const shares = values.tolist() as number[]
  console.log(
    `layer ${layer}  ${ids.map((id, i) => `${show(id)} ${shares[i].toFixed(2)}`).join('   ')}  ${bar(shares[0], 20)}`,
  )
})
await model.release()
