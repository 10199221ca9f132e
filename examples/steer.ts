// Adds a direction to the residual stream at every token: the difference between two prompts.
import { load, type Tensor } from 'onnsight'
import { generate, s, trace } from 'onnsight/trace.macro'
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

/** Generates the forty likeliest characters, with the direction added in every step. */
async function write(prompt: string, strength: number): Promise<string> {
  const { ids } = await generate(model, [encode(prompt)], { maxNewTokens: 40 }, () => {
    model.transformer.h[1].output = model.transformer.h[1].output.add(direction.mul(strength))
  })
  return Array.from(ids.data as BigInt64Array, Number)
    .slice(prompt.length)
    .map(show)
    .join('')
}
