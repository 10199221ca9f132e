import { sideOf } from '../../compare/side.ts'
import { onnxruntime } from '../../runtime/engine/providers/onnxruntime-node.ts'
import { wrapSession } from '../../runtime/engine/providers/ort.ts'
import type { Model } from '../../runtime/index.ts'
import { withFields } from '../../runtime/onnx/message/message.ts'
import type { ModelFile } from '../../runtime/onnx/reading/read.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { type DataType, isHeld } from '../../runtime/tensor/dtypes/dtype.ts'
import { stateOf, type Tensor } from '../../runtime/tensor/tensor.ts'
import { CommandError } from '../shared/errors.ts'
import { declared } from './subgraph.ts'

/** The most bytes of values that are kept. */
const MOST_BYTES = 2 ** 31

/**
 * All values that the model computes from these inputs, by one run without optimisation, so that a part of the graph can be given what the
 * rest computed. Values that JavaScript can't hold are left out: no part begins or ends at them.
 * @param write writes the model with all these outputs, and returns the file
 * @throws CommandError if they are too large, or if the model does not run
 */
export async function capture(
  model: Model,
  { message }: ModelFile,
  inputs: Readonly<Record<string, Tensor>>,
  write: (message: ModelFile['message']) => Promise<string>,
): Promise<ReadonlyMap<string, TensorData>> {
  const { shapes } = await sideOf(model, inputs)
  const made = new Set(
    message.graph!.node.filter(({ opType }) => opType !== 'Constant').flatMap(({ output }) => output),
  )
  const wanted = [...shapes].flatMap(([name, { type, dims }]) =>
    made.has(name) && isHeld(type as DataType) ? [{ name, type: type as TensorData['type'], dims }] : [],
  )
  const bytes = wanted.reduce(
    (sum, { dims }) => sum + 4 * (dims ?? []).reduce<number>((size, dim) => size * (dim ?? 1), 1),
    0,
  )
  if (bytes > MOST_BYTES)
    throw new CommandError(
      `The values of one run have about ${Math.round(bytes / 1e9)} GB, which is too much to keep.`,
      'pass a smaller input: fewer tokens, a batch of one',
    )
  const output = wanted.map(({ name, type }) => declared(name, { type, dims: [] }, false))
  const file = await write(withFields(message, { graph: withFields(message.graph!, { output }) }))
  const ort = await onnxruntime()
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, stateOf(tensor).data()]))
  const session = wrapSession(
    await ort.InferenceSession.create(file, { logSeverityLevel: 4, graphOptimizationLevel: 'disabled' }),
    ort.Tensor,
  )
  try {
    const results = await session.run(
      feeds,
      wanted.map(({ name }) => name),
    )
    return new Map([...Object.entries(feeds), ...Object.entries(results)])
  } finally {
    await session.release()
  }
}
