import { ArgumentError } from '../../errors/tensor.ts'
import { currentPosition } from '../current-position.ts'
import { type HeldType, isHeld, type TensorArray } from '../dtypes/dtype.ts'
import { Tensor } from '../tensor.ts'

/** The members that tensors of onnxruntime-node, -web, -common and of transformers.js share. */
export interface ForeignTensor {
  readonly type: string
  readonly dims: readonly number[]
  readonly data: unknown
  /** Where its elements are: 'cpu', 'gpu-buffer', … */
  readonly location?: string
}

/** Whether a value is a tensor of another library. */
export function isForeign(value: unknown): value is ForeignTensor {
  if (value === null || typeof value !== 'object' || value instanceof Tensor || ArrayBuffer.isView(value)) return false
  const { type, dims } = value as Partial<ForeignTensor>
  return typeof type === 'string' && Array.isArray(dims) && 'data' in value
}

/**
 * Converts a tensor of another library, which is recognised by its members and not by its class; returns undefined for anything else. The
 * elements are copied, because the other library may reuse their memory.
 * @throws ArgumentError if the elements are not in this process's memory
 */
export function fromForeign(value: unknown): Tensor | undefined {
  if (!isForeign(value)) return undefined
  const { type, dims, data, location = 'cpu' } = value
  if (location !== 'cpu' && location !== 'none' && location !== 'cpu-pinned')
    throw new ArgumentError(
      `The elements of this tensor are in ${location}, not in memory.`,
      currentPosition(),
      'fetch them first: await tensor.getData()',
    )
  if (!isHeld(type as HeldType))
    throw new ArgumentError(`onnsight can't use tensors of ${type}.`, currentPosition(), 'convert it to float32 first')
  const isBits = ArrayBuffer.isView(data) && data instanceof Uint16Array
  const bits = type === 'float16' && !isBits ? asBits(data as ArrayBufferView) : data
  return Tensor.of({
    type: type as HeldType,
    dims: dims.map(Number),
    data: (bits as Float32Array).slice() as TensorArray,
  })
}

/** Returns float16 elements as their bits, as onnsight holds them. */
const asBits = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint16Array =>
  new Uint16Array(buffer as ArrayBuffer, byteOffset, byteLength / 2)
