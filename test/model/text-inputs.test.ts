import test from 'ava'
import { load } from 'onnsight'

test('a text where token ids are due is said to be one, and what turns it into ids', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  for (const given of ['First', ['First'], [['F', 'i']], { input_ids: 'First' }])
    await t.throwsAsync(
      model.run(given as never),
      { code: 'input', message: /takes token ids[\s\S]*tokenizer/ },
      String(given),
    )
  await model.release()
})
