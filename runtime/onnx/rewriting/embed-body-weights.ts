import { externalEntry } from '../message/external-data.ts'
import { withFields } from '../message/message.ts'
import { readTensorBytes } from '../message/tensor-value.ts'
import { mainTensorsOf, tensorsOf } from '../message/tensors.ts'
import type { ModelProto, TensorProto } from '../schema/onnx_pb.ts'
import { replaceTensors } from './replace-tensors.ts'

/**
 * Reads the constants and weights of subgraph bodies into the message, because onnxruntime maps external data of the main graph only.
 * Constant nodes of the main graph become initializers, so they stay in their files. The message is copied, not changed.
 */
export async function embedBodyWeights(proto: ModelProto): Promise<ModelProto> {
  const main = new Set(mainTensorsOf(proto))
  const inlined = new Map<TensorProto, TensorProto>()
  for (const tensor of tensorsOf(withFields(proto, { trainingInfo: [] }))) {
    if (main.has(tensor) || externalEntry(tensor, 'location') === undefined) continue
    const rawData = await readTensorBytes(tensor)
    inlined.set(tensor, withFields(tensor, { rawData, externalData: [], dataLocation: 0 }))
  }
  return replaceTensors(proto, inlined)
}
