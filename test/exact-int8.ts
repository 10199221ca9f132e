import * as ort from 'onnxruntime-node'
import { graph, model, node, OnnxType, saved, value } from './model/hand-graph.ts'
import { stored } from './names/stored.ts'

const LENGTH = 64
const path = saved(
  model(
    graph({
      nodes: [node('MatMulInteger', ['a', 'b'], ['y'])],
      inputs: [value('a', OnnxType.UINT8, [1, LENGTH])],
      outputs: [value('y', OnnxType.INT32, [1, 16])],
      initializers: [stored('b', [LENGTH, 16], new Int8Array(16 * LENGTH).fill(127))],
    }),
  ),
)

async function multiplies(): Promise<boolean> {
  const session = await ort.InferenceSession.create(path)
  const a = new ort.Tensor('uint8', new Uint8Array(LENGTH).fill(255), [1, LENGTH])
  const { y } = await session.run({ a })
  await session.release()
  return Number(y.data[0]) === 255 * 127 * LENGTH
}

/**
 * Whether onnxruntime multiplies 8-bit numbers exactly on this processor. On x86 without VNNI it adds two products in 16 bits and cuts off what
 * is too large for them, so a model in 8 bits gives other numbers there (onnxruntime's page on quantisation, "S8S8 and U8S8").
 */
export const isExactInt8 = await multiplies()
