// Adds a direction to the residual stream at every token: the difference between two prompts.
import { load, type Model, type Tensor } from 'onnsight'
import { s, trace } from 'onnsight/trace.macro'
import { encode, show } from './shared/text.ts'

const model = await load('examples/models/chars.onnx')
const read = (text: string): Promise<Tensor> =>
  trace(model, { input_ids: [encode(text)] }, () => model.transformer.h[1].output.slice(s`0, -1`))
const loud = await read('KING RICHARD III:\nNOW IS TH')
const quiet = await read('king richard iii:\nnow is th')
const direction = await loud.sub(quiet).value()

console.log('continuations of "ROMEO:\\nI ", 40 characters, with the direction of capital letters added at layer 1')
for (const strength of [-1, 0, 1, 2])
  console.log(`${String(strength).padStart(3)} ×  ${await write('ROMEO:\nI ', strength)}`)
await model.release()

/** Greedy: the likeliest character, forty times. */
async function write(prompt: string, strength: number): Promise<string> {
  const ids = encode(prompt)
  for (let i = 0; i < 40; i++) ids.push(await next(model, ids, strength))
  return ids.slice(prompt.length).map(show).join('')
}

async function next(model: Model, ids: number[], strength: number): Promise<number> {
  const best = await trace(model, { input_ids: [ids] }, () => {
    model.transformer.h[1].output = model.transformer.h[1].output.add(direction.mul(strength))
    return model.lm_head.output.slice(s`0, -1`).argmax(-1)
  })
  return Number(best.item())
}
