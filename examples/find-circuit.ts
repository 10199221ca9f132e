// Finds a circuit by attribution, in one backward pass for each step, and confirms its strongest edges by path patching.
import { load } from 'onnsight'
import { edgeAttribution, logitDifference, pathPatching } from 'onnsight/study'
import { picture } from './shared/picture.ts'

const model = await load('examples/models/induction.onnx')
const run = [5, 17, 40, 2, 33, 61, 8, 29, 50, 12]
const pair = {
  clean: [[...run, ...run.slice(0, 5)]], // after 33 came 61
  corrupted: [[7, 51, 22, 9, 36, 14, 45, 3, 60, 28, ...run.slice(0, 5)]], // nothing came before
  metric: logitDifference(61, 12),
}
const found = await edgeAttribution(model, { ...pair, steps: 5 })
console.log(String(found))

const inputs = { q: 'query', k: 'key', v: 'value' } as const
const parsed = found.edges.slice(0, 8).map(({ from, to, score }) => {
  const sender = /^head (\d+)\.(\d+)$/.exec(from)
  const receiver = /^head (\d+)\.(\d+) ([qkv])$/.exec(to)
  return { from, to, score, sender, receiver }
})
for (const { from, to, score, sender, receiver } of parsed) {
  if (!sender || !(receiver || to === 'logits')) continue
  const patched = await pathPatching(model, {
    ...pair,
    receiver: receiver
      ? { layer: Number(receiver[1]), head: Number(receiver[2]), input: inputs[receiver[3] as 'q'] }
      : 'logits',
  })
  const effect = patched.effects.tolist() as number[][]
  const row = patched.axes[0].labels.indexOf(sender[1])
  console.log(`${from} → ${to}: estimated ${score.toFixed(1)}, patched ${effect[row][Number(sender[2])].toFixed(1)}`)
}
await picture('find-circuit', found)
await model.release()
