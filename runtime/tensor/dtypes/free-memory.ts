import type { TensorData } from './data.ts'

/** The memory of a tensor's numbers; undefined for texts, and for memory that is shared. */
export const memoryOf = ({ data }: Pick<TensorData, 'data'>): ArrayBuffer | undefined =>
  ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer ? data.buffer : undefined

/** ES2024 has `transfer`; Node 20 does not. */
type Transferring = ArrayBuffer & { transfer?(length: number): ArrayBuffer }

let closed: MessagePort | undefined

/**
 * Frees the memory of arrays, which are empty from then on. Left to the garbage collector, they gather: it counts small objects, and has to
 * mark the whole heap again and again to find the few that hold megabytes.
 */
export function freeMemory(buffers: readonly Transferring[]): void {
  if (buffers.length === 0) return
  if (buffers[0].transfer) for (const buffer of buffers) buffer.transfer!(0)
  else if (typeof MessageChannel !== 'undefined') {
    // A closed port takes what is transferred to it, and drops it.
    if (!closed) {
      closed = new MessageChannel().port1
      closed.close()
    }
    closed.postMessage(undefined, [...buffers])
  }
}
