import test from 'ava'
import { load } from 'onnsight'
import { useRecorderScope } from '#dist/runtime/graph/recorder.js'
import { variableScope } from '#dist/runtime/graph/scope.js'
import { useSessionScope } from '#dist/runtime/tracing/scopes/session-scope.js'
import { near } from '../../near.ts'
import { a, b, nested } from './functions.ts'

// Browsers have no async context, so the callbacks of then() do not run in a trace there.

test.before(() => {
  useRecorderScope(variableScope())
  useSessionScope(variableScope())
})

test('where nothing follows awaits, a function acts on the trace that it runs in all the same', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  const plain = await model.trace(b, m => m.lm_head.output)
  const doubled = await model.trace(a, m => {
    m.transformer.h[1].output = m.transformer.h[1].output.mul(2)
    return m.lm_head.output
  })
  const { opened, outer } = await nested(model, ['then()'])
  const wrong = opened.filter(({ logits }) => !near(logits, doubled)).map(({ form, kind }) => `${kind} in ${form}`)
  t.deepEqual(wrong, [])
  t.true(near(outer, plain))
  await model.release()
})
