import { externalEntry } from './external.ts'
import type { ModelProto, TensorProto } from './schema/onnx_pb.ts'
import { readTensorBytes } from './tensor-value.ts'
import { tensorsOf } from './tensors.ts'

/**
 * Takes back into the message what lies in a file but inside a node: constants and weights of subgraph bodies. onnxruntime maps
 * external data of the main graph only. (Constant nodes of the main graph become initializers, and stay in their file.)
 */
export async function inlineBodies(proto: ModelProto): Promise<void> {
  const main = new Set<TensorProto>(proto.graph?.initializer)
  for (const node of proto.graph?.node ?? []) {
    if (node.opType !== 'Constant') continue
    for (const { t } of node.attribute) if (t) main.add(t)
  }
  for (const tensor of tensorsOf(proto)) {
    if (main.has(tensor) || externalEntry(tensor, 'location') === undefined) continue
    tensor.rawData = await readTensorBytes(tensor)
    tensor.externalData = []
    tensor.dataLocation = 0
  }
}
