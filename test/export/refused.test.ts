import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { grad, load, type Model, OnnsightError, type Tensor, zeros } from 'onnsight'
import { assert, edit } from 'onnsight/trace.macro'
import { floats, graph, model as handModel, node, OnnxType, saved, value } from '../model/hand-graph.ts'
import { namesIn, temporaryFolder } from '../onnx/written.ts'

let chars!: Model
test.before(async () => {
  chars = await load('test/fixtures/models/chars.onnx', { blocks: 1 })
})
test.after.always(async () => chars?.release())

/** Checks that save throws an error with the user's line, and changes no file. */
async function isRefused(t: ExecutionContext, edited: Model, message: RegExp, code = 'unsavable-edit'): Promise<void> {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'edited.onnx')
  await writeFile(path, 'what was there')
  const error = (await t.throwsAsync(edited.save(path), { instanceOf: OnnsightError, message })) as OnnsightError
  t.is(error.code, code)
  t.truthy(error.fix)
  t.regex(error.at?.file ?? '', /refused\.test\.ts$/)
  t.deepEqual(await namesIn(folder), ['edited.onnx'])
  t.is(await readFile(path, 'utf8'), 'what was there')
}

test('a condition on a value, a value, an assertion', async t => {
  const onCondition = edit(chars, () => {
    if (chars.transformer.h[0].output.max().gt(1)) chars.transformer.h[1].output = 0
  })
  await isRefused(t, onCondition, /asks for a value while the model runs[\s\S]*> \d+ \|.*if \(chars\.transformer/)
  const onValue = chars.edit(async m => {
    const largest = await m.transformer.h[0].output.max().value()
    m.transformer.h[1].output = m.transformer.h[1].output.div(largest)
  })
  await isRefused(t, onValue, /asks for a value while the model runs/)
  const asserting = edit(chars, () => {
    assert(chars.transformer.h[0].output.isfinite())
    chars.transformer.h[1].output = 0
  })
  await isRefused(t, asserting, /asks for a value while the model runs/)
})

test('dims that differ from input to input, however they are asked for', async t => {
  const asks: Readonly<Record<string, (h: Tensor) => Tensor>> = {
    'a number made of one': h => h.mul(1 / h.dims[1]!),
    'a comparison of one': h => (h.dims[1]! > 4 ? h.mul(2) : h),
    'a tensor of these dims': h => zeros(h.dims as number[]),
    'their number of elements': h => h.div(h.size),
    'each row': h => [...h][0].unsqueeze(0),
  }
  for (const [what, make] of Object.entries(asks)) {
    t.log(what)
    const edited = chars.edit(m => {
      m.transformer.h[1].output = make(m.transformer.h[1].output)
    })
    await isRefused(t, edited, /how long axis \d of transformer\.h\.1\.output is|needs dims that differ/)
  }
  const fixed = chars.edit(m => {
    const h = m.transformer.h[1].output
    m.transformer.h[1].output = h.div(h.dims.at(-1)!).mul(h.rank)
  })
  await t.notThrowsAsync(fixed.save(join(await temporaryFolder(t), 'fixed.onnx')))
})

test('what the edit itself does wrong is told as in a trace', async t => {
  const wide = chars.edit(m => {
    m.transformer.h[1].output = zeros([1, 4, 64])
  })
  await isRefused(t, wide, /does not fit/, 'shape')
  const early = chars.edit(m => {
    m.transformer.h[0].output = m.transformer.h[2].output
  })
  await isRefused(t, early, /computed from it/, 'cycle')
})

test('an operation that the model’s opset lacks', async t => {
  const old = await load(
    saved(
      handModel(
        graph({
          inputs: [value('x', OnnxType.FLOAT, ['rows', 3])],
          initializers: [floats('w', [3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9])],
          nodes: [node('MatMul', ['x', 'w'], ['h'], {}, 'first'), node('Relu', ['h'], ['y'], {}, 'second')],
          outputs: [value('y', OnnxType.FLOAT, ['rows', 3])],
        }),
        13,
      ),
    ),
  )
  t.teardown(() => old.release())
  const edited = old.edit(m => {
    m.node('first').output = m.node('first').output.tril()
  })
  await isRefused(t, edited, /Trilu came with opset 14, and the model is of opset 13/)
  const ofRows = old.edit(m => {
    const h = m.node('first').output
    m.node('first').output = h.add(grad(h.indexSelect(0, [0, 0]).sum(), h))
  })
  await isRefused(t, ofRows, /ScatterND, which its gradient needs, can’t be written in the model’s opset 13/)
})
