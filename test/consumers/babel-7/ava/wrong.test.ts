import test from 'ava'
import { load } from 'onnsight'
import { trace } from 'onnsight/trace.macro'

const model = await load(process.env.MODEL as string)

test('a block that is wrong', async () => {
  await trace(model, [[18, 47]], () => {
    const hidden = model.transformer.h[1].output
    model.transformer.h[1].output = hidden.add([1, 2, 3]) // do not broadcast
  })
})
