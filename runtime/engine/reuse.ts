import { byteLength, type TensorData } from '../tensor/data.ts'

interface Entry {
  readonly id: number
  readonly outputs: Map<string, TensorData>
  bytes: number
}

/**
 * Results of unedited blocks, kept while the same inputs come again: a sweep of edits over one prompt runs only what lies after the
 * first edit. A value's token stands for "this input" or "this output of that kept run"; equal tokens mean equal values.
 */
export class ReuseCache {
  readonly #limit: number
  readonly #entries = new Map<string, Entry>()
  readonly #inputs = new Map<string, { readonly token: string; readonly data: TensorData }[]>()
  #bytes = 0
  #next = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get enabled(): boolean {
    return this.#limit > 0
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The token of a model input, by its content. The data is compared, not trusted to be the same object. */
  tokenOf(name: string, data: TensorData): string {
    let known = this.#inputs.get(name)
    if (!known) {
      known = []
      this.#inputs.set(name, known)
    }
    const at = known.findIndex(input => sameData(input.data, data))
    const input = at < 0 ? { token: `input ${this.#next++}`, data } : known.splice(at, 1)[0]
    known.push(input)
    if (known.length > KEPT_INPUTS) known.shift()
    return input.token
  }

  get(key: string, outputs: readonly string[]): ReadonlyMap<string, TensorData> | undefined {
    const entry = this.#entries.get(key)
    if (!entry || !outputs.every(name => entry.outputs.has(name))) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.outputs
  }

  /** Keeps outputs of a block's run; gives the token of each. */
  put(key: string, outputs: ReadonlyMap<string, TensorData>): void {
    let entry = this.#entries.get(key)
    if (entry) this.#entries.delete(key)
    else entry = { id: this.#next++, outputs: new Map(), bytes: 0 }
    this.#entries.set(key, entry)
    for (const [name, data] of outputs) {
      if (entry.outputs.has(name)) continue
      entry.outputs.set(name, data)
      entry.bytes += byteLength(data)
      this.#bytes += byteLength(data)
    }
    for (const [oldKey, old] of this.#entries) {
      if (this.#bytes <= this.#limit) break
      this.#entries.delete(oldKey)
      this.#bytes -= old.bytes
    }
  }

  /** The token of a kept output; undefined if it is not kept. */
  outputToken(key: string, name: string): string | undefined {
    const entry = this.#entries.get(key)
    return entry?.outputs.has(name) ? `${entry.id} ${name}` : undefined
  }

  clear(): void {
    this.#entries.clear()
    this.#inputs.clear()
    this.#bytes = 0
  }
}

/** Different contents of one input that are told apart; an older one gets a new token when it comes again. */
const KEPT_INPUTS = 16

/** One block's run on inputs with these tokens: what it gave is kept under this key. */
export const runKey = (block: string, tokens: readonly string[]): string => `${block}(${tokens.join()})`

function sameData(a: TensorData, b: TensorData): boolean {
  if (a === b) return true
  if (a.type !== b.type || a.dims.length !== b.dims.length || a.dims.some((dim, i) => dim !== b.dims[i])) return false
  if (ArrayBuffer.isView(a.data) && ArrayBuffer.isView(b.data)) {
    return Buffer.compare(bytesOf(a.data), bytesOf(b.data)) === 0
  }
  const other = b.data as string[]
  return (a.data as string[]).every((text, i) => text === other[i])
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}
