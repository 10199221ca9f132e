// Activation patching over layers × positions: where does the difference between two prompts live?
import { LanguageModel } from 'onnsight'
import { logitDifference, patchActivations } from 'onnsight/study'
import { picture } from './shared/picture.ts'

const model = await LanguageModel.load('examples/models/chars.onnx')
const start = performance.now()
const patched = await patchActivations(model, {
  clean: 'KING RICHAR',
  corrupted: 'KING HENRY ',
  metric: logitDifference('D', 'I'),
})
console.log(String(patched))
console.log(`${patched.values.size} interventions in ${Math.round(performance.now() - start)} ms`)
await picture('patching', patched)
await model.release()
