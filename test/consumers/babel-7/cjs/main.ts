import { load } from 'onnsight'
import { s, trace } from 'onnsight/trace.macro'
import { shapes } from './required.js'

async function main(path: string): Promise<void> {
  const model = await load(path)
  const inputs = { input_ids: [[18, 47, 56, 57]] }
  const plain = await trace(model, inputs, () => model.lm_head.output)
  const edited = await trace(model, inputs, () => {
    model.transformer.h[2].mlp.output.set(s`:, -1`, 0)
    return model.lm_head.output
  })
  console.log(
    JSON.stringify({ plain: plain.tolist(), edited: edited.tolist(), hidden: await shapes(model, inputs.input_ids) }),
  )
  await model.release()
}

main(process.argv[2])
