// The pictures of docs/studies.md, from runs of the example models; `npm run pictures` writes them.
import { LanguageModel, load } from 'onnsight'
import {
  ablate,
  attentionScores,
  directLogitAttribution,
  logitDifference,
  logitLens,
  loss,
  patchActivations,
  type StudyResult,
  steeringSweep,
  steeringVector,
} from 'onnsight/study'

const write = async (name: string, result: StudyResult) => (await result.plot()).save(`docs/pictures/study-${name}.svg`)

const model = await LanguageModel.load('examples/models/chars.onnx')
await write('lens', await logitLens(model, 'What light'))
await write('attribution', await directLogitAttribution(model, 'First', { answer: ':', other: 's' }))
const prompts = { clean: 'KING RICHAR', corrupted: 'KING HENRY ' }
await write('patching', await patchActivations(model, { ...prompts, metric: logitDifference('D', 'I') }))
const vector = await steeringVector(model, {
  positive: ['KING RICHARD III:', 'MY LORD, I AM', 'FIRST CITIZEN:'],
  negative: ['king richard iii:', 'my lord, i am', 'first citizen:'],
  layer: 1,
})
const steering = {
  strengths: [-1, 0, 0.5, 1, 2],
  prompts: 'What light',
  metric: logitDifference('S', 's'),
  texts: 'First Citizen: Before we proceed any further, hear me speak.',
}
await write('steering', await steeringSweep(model, vector, steering))
await model.release()

const induction = await load('examples/models/induction.onnx')
const run = [5, 17, 40, 2, 33, 61, 8, 29, 50, 12]
const repeated = [[...run, ...run]]
await write('ablation', await ablate(induction, repeated, { metric: loss({ from: run.length }) }))
await write('scores', await attentionScores(induction, repeated))
await induction.release()
