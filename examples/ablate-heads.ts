// Switches off each attention head in turn. In the induction model, which continues a repeated sequence, two heads do the work.
import { load } from 'onnsight'
import { s, trace } from 'onnsight/trace.macro'
import { bar } from './shared/text.ts'

const model = await load('examples/models/induction.onnx')
const run = [5, 17, 40, 2, 33, 61, 8, 29, 50, 12]
const inputs = { input_ids: [[...run, ...run]] }

/** The mean probability of the right next token over the second half, with one head's output set to 0. */
async function score(layer: number, head: number | undefined): Promise<number> {
  const probabilities = await trace(model, inputs, () => {
    if (head !== undefined) model.transformer.h[layer].attn.heads[head].z = 0
    return model.lm_head.output.slice(s`0, 10:-1`).softmax(-1)
  })
  const rows = probabilities.tolist() as number[][]
  return rows.reduce((sum, row, i) => sum + row[run[(i + 1) % run.length]], 0) / rows.length
}

const whole = await score(0, undefined)
console.log(`probability of the right token            ${bar(whole)} ${whole.toFixed(3)}`)
for (let layer = 0; layer < 2; layer++) {
  for (let head = 0; head < 4; head++) {
    const without = await score(layer, head)
    console.log(
      `without layer ${layer} head ${head}${without < whole / 2 ? '  ← needed' : '          '}          ${bar(without)} ${without.toFixed(3)}`,
    )
  }
}
await model.release()
