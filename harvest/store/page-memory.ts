/** A page of WebAssembly’s memory. */
const PAGE = 2 ** 16
/** WebAssembly has no larger memory. */
const MOST = 2 ** 32

/** Smaller files are written as others are: they are read again soon, as the index is, or are not worth a second way. */
export const DIRECT_BYTES = 2 ** 20

const memories = new WeakSet<ArrayBufferLike>()

/**
 * Memory that begins at a page of the system, from which files can be written directly. Of the memories that JavaScript has, WebAssembly’s are
 * such. Other memory, if there is none, or for few bytes.
 */
export function pageMemory(bytes: number): ArrayBuffer {
  const pages = Math.ceil(bytes / PAGE)
  if (bytes < DIRECT_BYTES || bytes > MOST) return new ArrayBuffer(bytes)
  try {
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages })
    memories.add(buffer)
    return buffer
  } catch {
    // A process may have too few addresses for what WebAssembly reserves around each memory.
    return new ArrayBuffer(bytes)
  }
}

export const isPageMemory = (buffer: ArrayBufferLike): boolean => memories.has(buffer)
