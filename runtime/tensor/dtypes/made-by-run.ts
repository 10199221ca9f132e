import type { TensorData } from './data.ts'
import { freeMemory, memoryOf } from './free-memory.ts'

/** The memory that onnxruntime allocated for results of one run, and that nothing but these results holds. */
const made = new WeakSet<ArrayBuffer>()

export function noteMade(result: TensorData): void {
  const memory = memoryOf(result)
  if (memory) made.add(memory)
}

/**
 * Frees results of runs that nobody reads any more. A result whose memory is also that of an input, of a constant or of a kept value stays as
 * it is.
 */
export function freeMade(results: readonly TensorData[]): void {
  // Two places may have one value, whose memory is freed once.
  freeMemory(results.map(memoryOf).filter(memory => memory !== undefined && made.delete(memory)) as ArrayBuffer[])
}
