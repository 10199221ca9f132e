import type { TensorData } from '../../tensor/dtypes/data.ts'
import { freeMemory } from '../../tensor/free-memory.ts'

/** The memory that onnxruntime allocated for results of one run, and that nothing but these results holds. */
const made = new WeakSet<ArrayBuffer>()

export function noteMade({ data }: TensorData): void {
  if (ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer) made.add(data.buffer)
}

/**
 * Frees results of runs that nobody reads any more. A result whose memory is also that of an input, of a constant or of a kept value stays as
 * it is.
 */
export function freeMade(results: readonly TensorData[]): void {
  const buffers = new Set<ArrayBuffer>()
  for (const { data } of results)
    if (ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer && made.delete(data.buffer))
      buffers.add(data.buffer)
  freeMemory([...buffers])
}
