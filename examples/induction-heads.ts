// Finds the induction heads of a small model, and knocks them out: without one of them, it is as bad at the repetition as without any attention.
import { load } from 'onnsight'
import { ablate, attentionScores, loss } from 'onnsight/study'
import { picture } from './shared/picture.ts'

const model = await load('examples/models/induction.onnx')
const run = [5, 17, 40, 2, 33, 61, 8, 29, 50, 12, 44, 3, 27, 19, 58]
const repeated = [[...run, ...run]]

const scores = await attentionScores(model, repeated)
console.log(String(scores))
const [previous] = scores.best('previous', 1)
const [induction] = scores.best('induction', 1)
console.log(`\nLayer ${previous.layer} head ${previous.head} looks at the previous token.`)
console.log(`Layer ${induction.layer} head ${induction.head} looks at what followed the same token last time.\n`)

const first = await ablate(model, repeated, { metric: loss({ to: run.length - 1 }), layers: [0] })
const again = await ablate(model, repeated, { metric: loss({ from: run.length }) })
console.log(String(again))
const values = again.values.tolist() as number[][]
console.log(`\nloss the first time        ${first.base.toFixed(2)} nats a token`)
console.log(`loss on the repetition     ${again.base.toFixed(2)}`)
for (const { layer, head } of [previous, induction])
  console.log(`without layer ${layer} head ${head}     ${values[layer][head].toFixed(2)}`)

// The controls: each other head by itself does nothing, and without any head the model knows the current token alone.
const isFound = (layer: number, head: number): boolean =>
  [previous, induction].some(found => found.layer === layer && found.head === head)
const others = values.flatMap((row, layer) => row.filter((_, head) => !isFound(layer, head)))
const headless = model.edit(() => {
  for (const layer of model.transformer.h) layer.attn.heads.z = layer.attn.heads.z.mul(0)
})
const none = await ablate(headless, repeated, { metric: loss({ from: run.length }), layers: [0] })
console.log(`without any other head     ${Math.max(...others).toFixed(2)} at most`)
console.log(`without all heads          ${none.base.toFixed(2)}`)
await picture('induction-heads', again)
await model.release()
