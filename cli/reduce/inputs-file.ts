import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { elementBytes } from '../../runtime/tensor-files/element-bytes.ts'

/** The inputs as JSON: for each its type, its dims and the bytes of its elements, so that NaN and 64-bit integers stay as they are. */
export function inputsJson(inputs: ReadonlyMap<string, TensorData>): string {
  const entries = [...inputs].map(([name, { type, dims, data }]) => {
    const bytes = Array.isArray(data)
      ? { texts: data }
      : { base64: Buffer.concat(elementBytes(data as Uint8Array)).toString('base64') }
    return [name, { type, dims, ...bytes }]
  })
  return `${JSON.stringify(Object.fromEntries(entries), null, 1)}\n`
}
