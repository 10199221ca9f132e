// The heads of a text model, in float and with weights of 4 bits: do both do the same work?
import { LanguageModel } from 'onnsight'
import { attentionScores } from 'onnsight/study'
import { picture } from './shared/picture.ts'

const prompt = 'The king is come. The king is gone. The king is come. The king is gone.'
for (const dtype of ['fp32', 'q4'] as const) {
  const model = await LanguageModel.load('test/fixtures/models/verse', { dtype })
  const scores = await attentionScores(model, prompt)
  console.log(`${dtype}\n${scores}\n`)
  await picture(`heads-${dtype}`, scores)
  await model.release()
}
