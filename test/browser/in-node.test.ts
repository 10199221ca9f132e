import test from 'ava'
import * as node from 'onnsight'
import { trace } from 'onnsight/trace.macro'
import * as web from 'onnsight/web'

// A server that renders a component for the browser imports both platforms. Node's stays installed.

test('in Node, onnsight/web is the same copy: its tensors are those of onnsight', async t => {
  t.is(web.Tensor, node.Tensor)
  t.is(web.OnnsightError, node.OnnsightError)
  const model = await node.load('examples/models/chars.onnx')
  const scaled = await trace(model, [[1, 2]], () => model.transformer.h[0].output.mul(web.tensor(2)))
  t.deepEqual(scaled.dims, [1, 2, 128])
  const sum = await web
    .tensor([1, 2])
    .add(node.tensor([3, 4]))
    .sum()
    .value()
  t.is(sum.item(), 10)
  await model.release()
})

test('in Node, load of onnsight/web says where the other one is', async t => {
  const error = await t.throwsAsync(web.load('/models/chars.onnx'), { instanceOf: node.OnnsightError })
  t.regex(error.message, /onnsight\/web was called in Node[\s\S]*Do this: import \{ load \} from 'onnsight'/)
})
