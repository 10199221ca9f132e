import { join } from 'node:path'
import test from 'ava'
import { load, type Model, type Tensor, tensor, zeros } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { graph, model as modelOf, node, OnnxType, saved, value } from '../model/hand-graph.ts'
import { temporaryFolder } from '../onnx/written.ts'
import { Random, stored } from './stored.ts'

test('channels in blocks: a value in that layout is refused, and one that was put back is read', async t => {
  const source = 'test/fixtures/names/resnet.onnx'
  const path = join(await temporaryFolder(t), 'blocked.onnx')
  // onnxruntime arranges the channels for the processor on which it optimises the file, and others refuse it; so it is made here.
  await ort.InferenceSession.create(source, {
    graphOptimizationLevel: 'all',
    optimizedModelFilePath: path,
    logSeverityLevel: 3,
  })
  const [plain, model] = await Promise.all([load(source), load(path)])
  t.teardown(() => Promise.all([plain.release(), model.release()]))
  const image = tensor(
    Array.from({ length: 108 }, (_, i) => Math.sin(i ** 2)),
    { dims: [1, 3, 6, 6] },
  )
  const error = await t.throwsAsync(model.trace({ image }, m => m.module('layer1.0.conv2').output))
  t.is((error as { code?: string }).code, 'blocked-layout')
  await t.throwsAsync(
    model.trace({ image }, m => {
      m.module('layer1.0.conv2').output = 0
    }),
    { code: 'blocked-layout' } as never,
  )
  const read = (m: Model): Tensor[] => [m.module('avgpool').output as Tensor, m.outputs.result]
  const expected = await plain.trace({ image }, read)
  for (const [i, value] of (await model.trace({ image }, read)).entries()) {
    t.deepEqual(value.dims, expected[i].dims)
    const off = Number((await value.sub(expected[i]).abs().max().value()).item())
    t.true(off < 1e-5, `${off}`)
  }
})

test('channels in blocks of another width than the file has: the error says that the file fits another processor', async t => {
  const random = new Random(5)
  const path = saved(
    modelOf(
      graph({
        nodes: [
          {
            ...node('Conv', ['x', 'kernel'], ['y'], { kernel_shape: [1, 1] }, '/conv/Conv_output_0_nchwc'),
            domain: 'com.microsoft.nchwc',
          },
        ],
        inputs: [value('x', OnnxType.FLOAT, [1, 'channels', 2, 2])],
        outputs: ['y'],
        initializers: [stored('kernel', [32, 32, 1, 1], random.floats(32 * 32))],
      }),
    ),
  )
  const opened = await load(path)
  t.teardown(() => opened.release())
  await t.throwsAsync(opened.run({ x: zeros([1, 24, 2, 2]) }), {
    code: 'run',
    message: /Do this: .*one kind of processor/,
  } as never)
})
