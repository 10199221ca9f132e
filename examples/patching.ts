// Activation patching over layers and positions: which activations carry the difference between two prompts?
import { load } from 'onnsight'
import { s, save, trace } from 'onnsight/trace.macro'
import { encode, heatmap, show } from './shared/text.ts'

const model = await load('examples/models/chars.onnx')
const clean = encode('KING RICHARD III:\nNow is the w')
const other = encode('KING HENRY VIII:\nSo is it our y').slice(0, clean.length)
while (other.length < clean.length) other.push(encode(' ')[0])

const states = await trace(model, { input_ids: [other] }, () =>
  [...model.transformer.h].map(layer => save(layer.output)),
)
const measure = (position: number | undefined, layer = 0) =>
  trace(model, { input_ids: [clean] }, () => {
    if (position !== undefined)
      model.transformer.h[layer].output.set(s`:, ${position}`, states[layer].slice(s`:, ${position}`))
    return model.lm_head.output.slice(s`0, -1`)
  })

const before = await measure(undefined)
const table: number[][] = []
const start = performance.now()
for (let layer = 0; layer < 4; layer++) {
  const row: number[] = []
  for (let position = 0; position < clean.length; position++) {
    const moved = (await measure(position, layer)).sub(before).abs().max()
    row.push(Number((await moved.value()).item()))
  }
  table.push(row)
}
const most = Math.max(...table.flat())
console.log(
  `change of the last logits (at most ${most.toFixed(1)}) when one position of one layer comes from the other prompt`,
)
console.log(
  heatmap(
    table.map(row => row.map(x => x / most)),
    [0, 1, 2, 3].map(i => `layer ${i}`),
    clean.map(show),
  ),
)
console.log(
  `${table.flat().length} interventions in ${Math.round(performance.now() - start)} ms; ${model.engine.cache.sessions} sessions were built for them`,
)
await model.release()
