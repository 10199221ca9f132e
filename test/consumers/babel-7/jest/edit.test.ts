import { expect, test } from '@jest/globals'
import { load } from 'onnsight'
import { s, trace } from 'onnsight/trace.macro'

const model = await load(process.env.MODEL as string)

test('an edit moves the logits', async () => {
  const inputs = { input_ids: [[18, 47, 56, 57]] }
  const plain = await trace(model, inputs, () => model.lm_head.output)
  const edited = await trace(model, inputs, () => {
    model.transformer.h[2].mlp.output.set(s`:, -1`, 0)
    return model.lm_head.output
  })
  console.log(JSON.stringify({ plain: plain.tolist(), edited: edited.tolist() }))
  expect(edited.tolist()).not.toEqual(plain.tolist())
})
