import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { load } from 'onnsight'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** The bytes of all arrays, among which are keys and values. */
async function arrayBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return process.memoryUsage().arrayBuffers
}

test('steps keep no keys and values of earlier ones, also while their reads are held', async t => {
  const model = await load('test/fixtures/models/verse/onnx/model.onnx')
  const options = { maxNewTokens: 200 }
  const go = () =>
    model.generate([[860, 60, 12]], options, m => {
      m.model.layers[1].output = m.model.layers[1].output.mul(1.01)
      return m.lm_head.output.slice(':, -1').argmax(-1)
    })
  await model.generate([[860]], { maxNewTokens: 40 }, m => m.lm_head.output.slice(':, -1').argmax(-1))
  const before = await arrayBytes()
  const { values } = await go()
  const grown = (await arrayBytes()) - before
  t.is(values.length, 200)
  // All steps' keys and values together are 40 MB; those of one are at most 0.4 MB.
  t.true(grown < 15e6, `${grown} bytes`)
  await model.release()
})
