import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { invoke, load, type Tensor, zeros } from 'onnsight'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const ids = [[18, 47, 56, 57]]
const model = await load('test/fixtures/models/chars.onnx', { reuseBytes: 0 })
test.after.always(() => model.release())

/** Whether nothing refers to the objects any more. */
async function areGone(refs: readonly WeakRef<object>[]): Promise<boolean> {
  for (let i = 0; i < 20 && refs.some(ref => ref.deref()); i++) {
    await new Promise(done => setTimeout(done, 5))
    collect()
  }
  return refs.every(ref => !ref.deref())
}

const weak = (...tensors: readonly Tensor[]): WeakRef<object>[] =>
  tensors.map(({ data }) => new WeakRef((data as Float32Array).buffer))

test.serial('a plan, which is kept, refers to no tensor of the run that it was made for', async t => {
  const used = await (async () => {
    const written = zeros([1, 4, 128])
    const results = await model.trace(ids, m => {
      m.transformer.h[1].output = written
      return { mixed: m.transformer.h[2].output.mul(2).add(written), logits: m.lm_head.output }
    })
    return weak(written, results.mixed, results.logits)
  })()
  t.true(await areGone(used))
})

test.serial('nor does what is known of the values’ dims, which a batch asks for', async t => {
  const used = await (async () => {
    const written = zeros([1, 4, 128])
    const results = await model.trace(null, {}, m =>
      [1, 2].map(layer =>
        invoke([ids[0].slice(0, 4)], () => {
          m.transformer.h[layer].output = written
          return m.lm_head.output
        }),
      ),
    )
    return weak(written, ...(results as unknown as Tensor[]))
  })()
  t.true(await areGone(used))
})
