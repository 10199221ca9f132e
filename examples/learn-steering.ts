// Learns a steering vector by gradients, with the model frozen: after it, the model prefers capitals.
import { LanguageModel, zeros } from 'onnsight'
import { adam, optimize, SteeringVector } from 'onnsight/study'
import { picture } from './shared/picture.ts'

const model = await LanguageModel.load('examples/models/chars.onnx')
const prompt = 'What light through '
const capitals = Array.from({ length: 26 }, (_, i) => model.tokenizer.token_to_id(String.fromCharCode(65 + i))!)

// Each step takes another text, and asks for a capital after each of its letters. The longer the vector, the more it costs.
const texts = [
  'what light through yonder',
  'before we proceed any fur',
  'my lord, i am your serva',
  'the king is come to speak',
]
const layer = 1
const found = await optimize(model, {
  inputs: step => texts[step % texts.length],
  parameters: { v: zeros([128]) },
  steps: 200,
  optimizer: adam({ learningRate: 0.01 }),
  loss({ v }) {
    const stream = model.module(`transformer.h.${layer}`)
    stream.output = stream.output.add(v)
    const share = model.module('lm_head').output.softmax(-1).indexSelect(-1, capitals).sum(-1)
    return share.log().mean().neg().add(v.pow(2).sum().mul(0.05))
  },
})
console.log(String(found))

const steered = new SteeringVector(layer, found.parameters.v).apply(model, 1)
for (const [name, one] of [
  ['before', model],
  ['after', steered],
] as const) {
  const { text } = await one.generate(prompt, { maxNewTokens: 60, temperature: 0.6, seed: 1 })
  console.log(`${name}: ${JSON.stringify(prompt + text)}`)
}
await picture('learn-steering', found)
await model.release()
