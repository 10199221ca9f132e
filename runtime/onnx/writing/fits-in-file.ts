import { externalEntry } from '../message/external-data.ts'
import { WRITTEN_LOCATION_KEY } from '../message/fields-with-tensors.ts'
import { tensorsOf } from '../message/tensors.ts'
import type { ModelProto } from '../schema/onnx_pb.ts'
import { rangeOf } from './placing.ts'

/** The most bytes of weights in a model's own file: protobuf ends at 2 GiB, and nodes and names need some of them. */
const MOST_BYTES = 2 ** 31 - 2 ** 27

/** Whether the model's own file can hold the weights that such a `weights` option puts there. */
export function fitsInFile(message: ModelProto, weights: 'as-read' | 'embedded'): boolean {
  let bytes = 0
  for (const tensor of tensorsOf(message))
    if (weights === 'embedded' || externalEntry(tensor, WRITTEN_LOCATION_KEY) === undefined)
      bytes += rangeOf(tensor)?.length ?? tensor.rawData.length
  return bytes <= MOST_BYTES
}
