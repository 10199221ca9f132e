import { LRUCache } from 'lru-cache'
import { byteLength, type TensorData } from '../../tensor/dtypes/data.ts'

/**
 * Keeps values of the unedited model at its blocks' edges while the same inputs come again: a sweep of edits over one prompt then runs only
 * what comes after the first edit. A token identifies the content of an input; the key of a value contains the tokens of the inputs that it
 * depends on.
 */
export class ReuseCache {
  readonly #values: LRUCache<string, TensorData> | undefined
  readonly #inputs = new Map<string, { readonly token: string; readonly data: TensorData }[]>()
  #next = 0

  /** @param limit bytes; 0 keeps nothing */
  constructor(limit: number) {
    if (limit > 0) {
      this.#values = new LRUCache({ maxSize: limit, sizeCalculation: data => Math.max(1, byteLength(data)) })
    }
  }

  get enabled(): boolean {
    return this.#values !== undefined
  }

  get bytes(): number {
    return this.#values?.calculatedSize ?? 0
  }

  /** Returns the token of a model input. Contents are compared, as an object may have changed. */
  tokenOf(name: string, data: TensorData): string {
    let known = this.#inputs.get(name)
    if (!known) {
      known = []
      this.#inputs.set(name, known)
    }
    const at = known.findIndex(input => sameData(input.data, data))
    const input = at < 0 ? { token: String(this.#next++), data } : known.splice(at, 1)[0]
    known.push(input)
    if (known.length > KEPT_INPUTS) known.shift()
    return input.token
  }

  get(key: string): TensorData | undefined {
    return this.#values?.get(key)
  }

  put(key: string, data: TensorData): void {
    this.#values?.set(key, data)
  }

  clear(): void {
    this.#values?.clear()
    this.#inputs.clear()
  }
}

/** This many contents of one input are remembered. An older one gets a new token when it comes again. */
const KEPT_INPUTS = 16

function sameData(a: TensorData, b: TensorData): boolean {
  if (a === b) return true
  if (a.type !== b.type || a.dims.length !== b.dims.length || a.dims.some((dim, i) => dim !== b.dims[i])) return false
  if (ArrayBuffer.isView(a.data) && ArrayBuffer.isView(b.data)) {
    return sameBytes(a.data, b.data)
  }
  const other = b.data as string[]
  return (a.data as string[]).every((text, i) => text === other[i])
}

/**
 * Whether two arrays have the same bytes. Every run compares inputs, which may be large, so it compares words of four bytes if both arrays
 * are aligned to them.
 */
function sameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  if (a.byteLength !== b.byteLength) return false
  const isInWords = a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0
  const whole = isInWords ? Math.floor(a.byteLength / 4) : 0
  const [words, others] = [wordsOf(a, whole), wordsOf(b, whole)]
  for (let i = 0; i < whole; i++) if (words[i] !== others[i]) return false
  const [bytes, rest] = [bytesOf(a), bytesOf(b)]
  for (let i = 4 * whole; i < bytes.length; i++) if (bytes[i] !== rest[i]) return false
  return true
}

function wordsOf({ buffer, byteOffset }: ArrayBufferView, count: number): Uint32Array {
  return new Uint32Array(buffer, count === 0 ? 0 : byteOffset, count)
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}
