import { Float16Array } from '@petamoriken/float16'
import { type Tensor, tensor } from 'onnsight'

const arrays = {
  F32: Float32Array,
  F64: Float64Array,
  F16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const

/** Parses a safetensors file: the length of a JSON header, the header, the tensors' bytes. No maintained package reads it in Node. */
export function parseSafetensors(file: Uint8Array): Map<string, Tensor> {
  const headerLength = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + headerLength))) as Record<
    string,
    { dtype: keyof typeof arrays; shape: number[]; data_offsets: [number, number] }
  >
  const start = 8 + headerLength
  const tensors = new Map<string, Tensor>()
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const bytes = Uint8Array.from(file.subarray(start + data_offsets[0], start + data_offsets[1]))
    const data = new arrays[dtype](bytes.buffer)
    tensors.set(
      name,
      dtype === 'BOOL'
        ? tensor(Array.from(data, Boolean), { dims: shape, type: 'bool' })
        : dtype === 'F16'
          ? tensor(Array.from(new Float16Array(bytes.buffer)), { dims: shape, type: 'float16' })
          : tensor(data, { dims: shape }),
    )
  }
  return tensors
}
