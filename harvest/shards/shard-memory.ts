import { pageMemory } from '../store/page-memory.ts'
import type { StoredDtype } from './float.ts'
import { COLUMNS, placesComeFirst } from './shard.ts'

/** Arrays for the numbers of one shard, one after another, in the order of its safetensors file. */
export interface ShardArrays {
  readonly document: Int32Array
  readonly position: Int32Array
  readonly token: Int32Array
  /** The numbers of each place, or the bits of float16 and bfloat16. */
  readonly places: readonly (Float32Array | Uint16Array)[]
}

/** Memory for shards, one after another. The arrays of one are those of the next. */
export class ShardMemory {
  #buffer = new ArrayBuffer(0)

  /** @param sizes the numbers of one row of each place @returns arrays whose numbers are those of the shard before */
  arrays(rows: number, sizes: readonly number[], dtype: StoredDtype): ShardArrays {
    const bytes = dtype === 'float32' ? 4 : 2
    const needed = rows * (4 * COLUMNS.length + sizes.reduce((sum, size) => sum + bytes * size, 0))
    if (this.#buffer.byteLength < needed) this.#buffer = pageMemory(needed)
    let at = 0
    const next = <A>(Elements: new (buffer: ArrayBuffer, from: number, length: number) => A, length: number): A => {
      const array = new Elements(this.#buffer, at, length)
      at += length * (Elements as unknown as typeof Uint16Array).BYTES_PER_ELEMENT
      return array
    }
    const nextPlaces = () =>
      sizes.map(size => next<Float32Array | Uint16Array>(bytes === 4 ? Float32Array : Uint16Array, rows * size))
    const first = placesComeFirst(dtype) ? nextPlaces() : undefined
    const [document, position, token] = COLUMNS.map(() => next(Int32Array, rows))
    return { document, position, token, places: first ?? nextPlaces() }
  }
}
