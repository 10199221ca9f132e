import test from 'ava'
import { load } from 'onnsight'

test('a value that the model reshapes by a computed shape can be reshaped, squeezed and unsqueezed alone', async t => {
  const model = await load('test/fixtures/models/verse/onnx/model.onnx')
  const ids = [[5, 66, 7]]
  const shapes = await model.scan(ids)
  const computed = model.nodeNames.filter(
    name =>
      /layers\.1\/self_attn\/Reshape(_\d+)?$/.test(name) && shapes.tensors[`${name}_output_0`]?.type === 'float32',
  )
  t.true(computed.length > 3)
  for (const name of computed) {
    const { size, whole, flat, inner } = await model.trace(ids, m => {
      const value = m.node(name).output
      return { size: value.size, whole: value.dims, flat: value.reshape(-1).sum(), inner: value.sum() }
    })
    t.true(size > 0 && whole.length > 1)
    t.true(Math.abs(Number(flat.item()) - Number(inner.item())) < 1e-2)
    const alone = await model.trace(ids, m => m.node(name).output.reshape(size))
    const wider = await model.trace(ids, m => m.node(name).output.unsqueeze(0))
    const narrower = await model.trace(ids, m => m.node(name).output.squeeze(0))
    t.deepEqual(alone.dims, [size])
    t.deepEqual(wider.dims, [1, ...whole])
    t.deepEqual(narrower.dims, whole.slice(1))
  }
  await model.release()
})
