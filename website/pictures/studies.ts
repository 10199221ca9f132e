// The pictures of docs/studies.md, from runs of the example models; `npm run pictures` writes them. study-integrated-image.png is a photograph of
// the page that the example integrated-gradients writes.
import { LanguageModel, load } from 'onnsight'
import {
  ablate,
  attentionScores,
  directLogitAttribution,
  integratedGradients,
  linearProbe,
  logitDifference,
  logitLens,
  loss,
  patchActivations,
  pathPatching,
  SparseAutoencoder,
  type StudyResult,
  steeringSweep,
  steeringVector,
} from 'onnsight/study'

const write = async (name: string, result: StudyResult) => (await result.plot()).save(`docs/pictures/study-${name}.svg`)

const model = await LanguageModel.load('examples/models/chars.onnx')
await write('lens', await logitLens(model, 'What light'))
await write('attribution', await directLogitAttribution(model, 'First', { answer: ':', other: 's' }))
await write('integrated', await integratedGradients(model, 'KING RICHAR', { metric: logitDifference('D', 'I') }))
const pair = { clean: 'KING RICHAR', corrupted: 'KING HENRY ' }
await write('patching', await patchActivations(model, { ...pair, metric: logitDifference('D', 'I') }))
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
// Can it be read off the stream whether the word ends here?
const verse = `What light through yonder window breaks? It is the east, and Juliet is the sun. Arise, fair sun, and kill the envious moon,
who is already sick and pale with grief, that thou her maid art far more fair than she.`
const ends = Array.from({ length: 180 }, (_, i) => 17 + i)
const prompts = ends.map(end => verse.slice(end - 16, end))
const labels = ends.map(end => (/\W/.test(verse[end]) ? 'the word ends' : 'it goes on'))
await write('probe', await linearProbe(model, prompts, { labels, ridge: 10 }))
const sae = await SparseAutoencoder.load('examples/models/chars-sae')
await write('features', await sae.features(model, 'What light through yonder'))
await model.release()

const induction = await load('examples/models/induction.onnx')
const run = [5, 17, 40, 2, 33, 61, 8, 29, 50, 12]
const repeated = [[...run, ...run]]
await write('ablation', await ablate(induction, repeated, { metric: loss({ from: run.length }) }))
await write('scores', await attentionScores(induction, repeated))
const paths = {
  clean: [[...run, ...run.slice(0, 5)]],
  corrupted: [[7, 51, 22, 9, 36, 14, 45, 3, 60, 28, ...run.slice(0, 5)]],
  metric: logitDifference(61, 12),
  receiver: { layer: 1, head: 1, input: 'key' },
} as const
await write('path', await pathPatching(induction, paths as never))
await induction.release()
