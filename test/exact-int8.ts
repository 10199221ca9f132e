import { Tensor } from 'onnxruntime-node'
import { graph, model, node, OnnxType, value } from './model/hand-graph.ts'
import { run, stored } from './names/stored.ts'

const LENGTH = 64
const product = model(
  graph({
    nodes: [node('MatMulInteger', ['a', 'b'], ['y'])],
    inputs: [value('a', OnnxType.UINT8, [1, LENGTH])],
    outputs: [value('y', OnnxType.INT32, [1, 16])],
    initializers: [stored('b', [LENGTH, 16], new Int8Array(16 * LENGTH).fill(127))],
  }),
)
const { y } = await run(product, { a: new Tensor('uint8', new Uint8Array(LENGTH).fill(255), [1, LENGTH]) })

/**
 * Whether onnxruntime multiplies 8-bit numbers exactly on this processor. On x86 without VNNI it adds two products in 16 bits and cuts off what
 * is too large for them, so a model in 8 bits gives other numbers there (onnxruntime's page on quantisation, "S8S8 and U8S8").
 */
export const isExactInt8 = Number(y.data[0]) === 255 * 127 * LENGTH
