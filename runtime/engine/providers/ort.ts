import type { InferenceSession, Tensor, TensorConstructor } from 'onnxruntime-common'
import type { TensorData } from '../../tensor/data.ts'
import type { HeldType } from '../../tensor/dtype.ts'
import { SHIELD_REMOVER } from '../shield.ts'
import type { Session, SessionValue } from './provider.ts'

/** More of a session's configuration where its graph is shielded. */
export const keepShields = { optimization: { disable_specified_optimizers: SHIELD_REMOVER } }

/** onnxruntime's session as the engine knows it: the same in Node and in the browser. */
export function wrapSession(session: InferenceSession, OrtTensor: TensorConstructor): Session {
  return {
    outputs: session.outputMetadata.map(describe),
    async run(feeds, fetches) {
      const tensors: Record<string, Tensor> = {}
      for (const name in feeds) tensors[name] = toOrt(feeds[name], OrtTensor)
      const results = await session.run(tensors, fetches as string[])
      const data: Record<string, TensorData> = {}
      for (const name in results) data[name] = fromOrt(results[name])
      return data
    },
    release: () => session.release(),
  }
}

function describe(value: InferenceSession.ValueMetadata): SessionValue {
  if (!value.isTensor) return { name: value.name, type: 'other', dims: [] }
  const dims = value.shape.map(dim => (dim === '' || dim === UNKNOWN ? undefined : dim))
  return { name: value.name, type: value.type, dims }
}

/** onnxruntime-web reads the -1 of a dim that is not known as an unsigned number. */
const UNKNOWN = 2 ** 32 - 1

/** Edge tensors go from session to session as they are: the wrapper is made once. */
const wrapped = new WeakMap<TensorData, Tensor>()

function toOrt(tensor: TensorData, OrtTensor: TensorConstructor): Tensor {
  let result = wrapped.get(tensor)
  if (!result) {
    result = new OrtTensor(tensor.type as 'float32', tensor.data as Float32Array, tensor.dims as number[])
    wrapped.set(tensor, result)
  }
  return result
}

function fromOrt(tensor: Tensor): TensorData {
  const data: TensorData = { type: tensor.type as HeldType, dims: tensor.dims, data: tensor.data as TensorData['data'] }
  wrapped.set(data, tensor)
  return data
}
