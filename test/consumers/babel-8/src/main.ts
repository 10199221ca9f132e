import { load, type Tensor } from 'onnsight'
import { save, trace } from 'onnsight/trace.macro'
import { edited } from './edited.tsx'

interface Read {
  hidden: readonly (number | undefined)[]
  plain: unknown
}

async function main(path: string): Promise<void> {
  const model = await load(path)
  const inputs = { input_ids: [[18, 47, 56, 57]] }
  let hidden!: Tensor
  const logits = await trace(model, inputs, () => {
    hidden = save(model.transformer.h[1].output as Tensor)
    return model.lm_head.output
  })
  const read: Read = { hidden: hidden.dims, plain: logits.tolist() }
  console.log(JSON.stringify({ ...read, ...(await edited(model, inputs)) }))
  await model.release()
}

main(process.argv[2]).catch((error: Error) => {
  console.error(error.stack)
  process.exitCode = 1
})
