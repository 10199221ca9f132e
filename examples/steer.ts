// Steers a model from small letters to capitals, and measures what that costs in perplexity.
import { LanguageModel } from 'onnsight'
import { type Metric, steeringSweep, steeringVector } from 'onnsight/study'
import { picture } from './shared/picture.ts'

const model = await LanguageModel.load('examples/models/chars.onnx')
const capitals = Array.from(
  { length: 26 },
  (_, i) => model.tokenizer.token_to_id(String.fromCharCode(65 + i)) as number,
)

const vector = await steeringVector(model, {
  positive: ['KING RICHARD III:\nNOW IS TH', 'FIRST CITIZEN:\nWE ARE A', 'MY LORD, I AM'],
  negative: ['king richard iii:\nnow is th', 'first citizen:\nwe are a', 'my lord, i am'],
  layer: 1,
})
const share: Metric = {
  name: 'probability of a capital letter',
  measure: logits => logits.select(1, -1).softmax(-1).indexSelect(-1, capitals).sum(-1),
}
const sweep = await steeringSweep(model, vector, {
  strengths: [-1, -0.5, 0, 0.25, 0.5, 1, 2],
  prompts: ['ROMEO:\nI ', 'What light through '],
  texts: ['First Citizen:\nBefore we proceed any further, hear me speak.'],
  metric: share,
  maxNewTokens: 40,
})
console.log(String(sweep))
await picture('steer', sweep)
await model.release()
