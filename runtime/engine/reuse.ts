import { LRUCache } from 'lru-cache'
import { byteLength, type TensorData } from '../tensor/data.ts'

/**
 * Values of the unedited model at its blocks' edges, kept while the same inputs come again: a sweep of edits over one prompt runs only
 * what lies after the first edit. An input's token stands for its content; a value's key holds the tokens of the inputs it comes from.
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

  /** The token of a model input, by its content. The data is compared, not trusted to be the same object. */
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

/** Different contents of one input that are told apart; an older one gets a new token when it comes again. */
const KEPT_INPUTS = 16

function sameData(a: TensorData, b: TensorData): boolean {
  if (a === b) return true
  if (a.type !== b.type || a.dims.length !== b.dims.length || a.dims.some((dim, i) => dim !== b.dims[i])) return false
  if (ArrayBuffer.isView(a.data) && ArrayBuffer.isView(b.data)) {
    const [left, right] = [bytesOf(a.data), bytesOf(b.data)]
    return left.length === right.length && left.every((byte, i) => byte === right[i])
  }
  const other = b.data as string[]
  return (a.data as string[]).every((text, i) => text === other[i])
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}
