// Draws where an answer comes from: integrated gradients over the letters of a text, and how complete they are.
import { LanguageModel } from 'onnsight'
import { integratedGradients, logProbability } from 'onnsight/study'
import { picture } from './shared/picture.ts'

const model = await LanguageModel.load('examples/models/chars.onnx')
const found = await integratedGradients(model, 'GLOUCESTER:\nMy lord of Glouce', {
  metric: logProbability('s'),
  steps: 64,
})
console.log(String(found))
console.log(`The sum is off by ${found.error?.toFixed(4)}.`)
await picture('integrated-gradients', found)
await model.release()
