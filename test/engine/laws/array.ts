/** Numbers with dims, in row-major order and float64, on which the laws' own evaluator computes. */
export interface NumberArray {
  readonly dims: readonly number[]
  readonly data: Float64Array
}

/** One axis of a slice: an index, which removes the axis, a list of indices, or a range with a step. */
export type Part = number | readonly number[] | Range

export interface Range {
  readonly start?: number
  readonly stop?: number
  readonly step?: number
}

export const isList = (part: Part): part is readonly number[] => Array.isArray(part)

export const sizeOf = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1)

export const arrayOf = (dims: readonly number[], data: ArrayLike<number>): NumberArray => ({
  dims,
  data: Float64Array.from(data),
})

export const map = ({ dims, data }: NumberArray, change: (value: number) => number): NumberArray => ({
  dims,
  data: data.map(change),
})

/** Joins two arrays element by element. Both are broadcast to each other's dims, as in NumPy. */
export function zip(a: NumberArray, b: NumberArray, join: (x: number, y: number) => number): NumberArray {
  const rank = Math.max(a.dims.length, b.dims.length)
  const at = (dims: readonly number[], axis: number): number => dims[axis - rank + dims.length] ?? 1
  const dims = Array.from({ length: rank }, (_, axis) => Math.max(at(a.dims, axis), at(b.dims, axis)))
  const [left, right] = [stretched(a, dims), stretched(b, dims)]
  return { dims, data: left.map((x, i) => join(x, right[i])) }
}

/** The elements of `array`, repeated to fill `dims`. */
export function stretched({ dims, data }: NumberArray, to: readonly number[]): Float64Array {
  const lead = to.length - dims.length
  const result = new Float64Array(sizeOf(to))
  for (let i = 0; i < result.length; i++) {
    let [rest, from, stride] = [i, 0, 1]
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const index = rest % to[axis]
      rest = (rest - index) / to[axis]
      const dim = dims[axis - lead] ?? 1
      if (dim > 1) from += index * stride
      stride *= dim
    }
    result[i] = data[from]
  }
  return result
}

/** The places that a slice names, in its order, and the dims of its result. Axes that it leaves out are taken whole. */
function placesOf(dims: readonly number[], parts: readonly Part[]): { places: number[]; dims: number[] } {
  let places = [0]
  const kept: number[] = []
  dims.forEach((dim, axis) => {
    const part = parts[axis] ?? {}
    const chosen = typeof part === 'number' ? [part] : isList(part) ? part : undefined
    const indices = chosen?.map(index => (index < 0 ? index + dim : index)) ?? indicesOf(dim, part as Range)
    if (typeof part !== 'number') kept.push(indices.length)
    places = places.flatMap(place => indices.map(index => place * dim + index))
  })
  return { places, dims: kept }
}

function indicesOf(dim: number, { start, stop, step = 1 }: Range): number[] {
  const all = Array.from({ length: dim }, (_, i) => i)
  if (step > 0) return all.slice(start, stop).filter((_, i) => i % step === 0)
  if (start !== undefined || stop !== undefined) throw new Error('Only whole axes are reversed here.')
  return all.reverse().filter((_, i) => i % -step === 0)
}

export function slice(array: NumberArray, parts: readonly Part[]): NumberArray {
  const { places, dims } = placesOf(array.dims, parts)
  return { dims, data: Float64Array.from(places, place => array.data[place]) }
}

export function assigned(array: NumberArray, parts: readonly Part[], value: NumberArray): NumberArray {
  const { places, dims } = placesOf(array.dims, parts)
  const values = stretched(value, dims)
  const data = array.data.slice()
  places.forEach((place, i) => {
    data[place] = values[i]
  })
  return { dims: array.dims, data }
}

/** The product a @ b of matrices on the last two axes: [n, rows, k] and [n, k, columns]. */
export function matmul(a: NumberArray, b: NumberArray): NumberArray {
  const [n, height, inner] = a.dims
  const width = b.dims[2]
  const data = new Float64Array(n * height * width)
  for (let m = 0; m < n; m++)
    for (let i = 0; i < height; i++)
      for (let k = 0; k < inner; k++) {
        const factor = a.data[(m * height + i) * inner + k]
        for (let j = 0; j < width; j++)
          data[(m * height + i) * width + j] += factor * b.data[(m * inner + k) * width + j]
      }
  return { dims: [n, height, width], data }
}

/** Exchanges the last two of three axes. */
export function transposed({ dims: [n, height, width], data }: NumberArray): NumberArray {
  const result = new Float64Array(data.length)
  for (let m = 0; m < n; m++)
    for (let i = 0; i < height; i++)
      for (let j = 0; j < width; j++) result[(m * width + j) * height + i] = data[(m * height + i) * width + j]
  return { dims: [n, width, height], data: result }
}

/** The mean along an axis, which stays with size 1. */
export function mean({ dims, data }: NumberArray, axis: number): NumberArray {
  const [after, dim] = [sizeOf(dims.slice(axis + 1)), dims[axis]]
  const kept = dims.map((size, i) => (i === axis ? 1 : size))
  const result = new Float64Array(sizeOf(kept))
  data.forEach((value, i) => {
    result[Math.floor(i / (after * dim)) * after + (i % after)] += value / dim
  })
  return { dims: kept, data: result }
}

/** Applies `change` to each row of the last axis. It returns the row's new elements. */
export function rows(
  { dims, data }: NumberArray,
  change: (row: Float64Array) => ArrayLike<number>,
  width = dims.at(-1)!,
): NumberArray {
  const own = dims.at(-1)!
  const result = new Float64Array((data.length / own) * width)
  for (let i = 0; i < data.length / own; i++) result.set(change(data.subarray(i * own, (i + 1) * own)), i * width)
  return { dims: [...dims.slice(0, -1), width], data: result }
}

export const softmax = (array: NumberArray): NumberArray =>
  rows(array, row => {
    const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
    const powers = row.map(x => Math.exp(x - most))
    const sum = powers.reduce((a, b) => a + b, 0)
    return powers.map(x => x / sum)
  })

/** [..., n] times a matrix [n, width], and a bias [width]. */
export const linear = (array: NumberArray, { dims: [n, width], data }: NumberArray, bias?: NumberArray): NumberArray =>
  rows(
    array,
    row => {
      const result = bias ? bias.data.slice() : new Float64Array(width)
      for (let i = 0; i < n; i++) for (let j = 0; j < width; j++) result[j] += row[i] * data[i * width + j]
      return result
    },
    width,
  )
