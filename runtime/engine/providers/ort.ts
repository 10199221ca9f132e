import type { InferenceSession, Tensor, TensorConstructor } from 'onnxruntime-common'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import type { HeldType } from '../../tensor/dtypes/dtype.ts'
import type { Session, SessionValue } from '../sessions/provider.ts'
import { SHIELD_REMOVER } from '../sessions/shield.ts'

/**
 * Creates a session with the extra configuration for its graph. `create` is called again where onnxruntime's fusion of neighbouring reshapes
 * fails: it can't take a shape that the graph computes, as the gradient of a reshape may follow another whose dims are known.
 */
export async function withOptimizers<S>(
  isShielded: boolean | undefined,
  create: (extra: { readonly optimization?: Readonly<Record<string, string>> }) => Promise<S>,
): Promise<S> {
  const disabled = isShielded ? [SHIELD_REMOVER] : []
  const without = (names: readonly string[]) => ({ optimization: { disable_specified_optimizers: names.join(';') } })
  try {
    return await create(isShielded ? without(disabled) : {})
  } catch (error) {
    if (!/GetIndexFromName.*_new_reshape/s.test(String((error as Error)?.message))) throw error
    return create(without([...disabled, 'ReshapeFusion']))
  }
}

/** Wraps a session of onnxruntime for the engine, in Node and in the browser. */
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

/** onnxruntime-web reports -1, an unknown dim, as an unsigned number. */
const UNKNOWN = 2 ** 32 - 1

/** onnxruntime's tensor for each data, so that a value that goes from session to session is wrapped once. */
const wrapped = new WeakMap<TensorData, Tensor>()

function toOrt(tensor: TensorData, OrtTensor: TensorConstructor): Tensor {
  let result = wrapped.get(tensor)
  if (!result) {
    const { type, dims, data } = tensor
    result = new OrtTensor(type as 'float32', data as Float32Array, dims as number[])
    // If JavaScript has Float16Array (from Node 24 on), onnxruntime's Tensor converts to it, and onnxruntime-node 1.30 can't read that.
    if (type === 'float16' && result.data !== data) result = { type, dims, data, location: 'cpu' } as unknown as Tensor
    wrapped.set(tensor, result)
  }
  return result
}

function fromOrt(tensor: Tensor): TensorData {
  const [type, held] = [tensor.type as HeldType, tensor.data as Uint16Array]
  if (type === 'float16' && !(held instanceof Uint16Array)) {
    const { buffer, byteOffset, length } = held as Uint16Array
    return { type, dims: tensor.dims, data: new Uint16Array(buffer, byteOffset, length) }
  }
  const data: TensorData = { type, dims: tensor.dims, data: held }
  wrapped.set(data, tensor)
  return data
}
