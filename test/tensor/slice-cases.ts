import { readFileSync } from 'node:fs'
import { type SliceSpec, Tensor } from 'onnsight'
import { recordOne } from '#dist/runtime/tensor/tensor.js'
import '../one-thread.ts'

type Entry = string | number | null | { list: Nested } | { mask: Nested }
type Nested = (number | boolean | Nested)[]

/** One line of slices.json: the elements that NumPy reads, and those of the array after an assignment. */
export interface SliceCase {
  readonly dims: number[]
  readonly entries: Entry[]
  readonly part: { readonly dims: number[]; readonly elements: number[] }
  readonly write: { readonly dims: number[]; readonly elements: number[] }
}

type Line = [number[], Entry[], number[], number[], number[], number[]]

export function readSliceCases(): SliceCase[] {
  const text = readFileSync(new URL('../reference/slices.json', import.meta.url), 'utf8')
  return text
    .trim()
    .split('\n')
    .map(line => {
      const [dims, entries, partDims, part, valueDims, whole] = JSON.parse(line) as Line
      return { dims, entries, part: { dims: partDims, elements: part }, write: { dims: valueDims, elements: whole } }
    })
}

/** A tensor of the numbers first, first + step, … with these dims. */
export function counting(dims: readonly number[], first: number, step: number): Tensor {
  const size = dims.reduce((a, b) => a * b, 1)
  return Tensor.of({ type: 'float32', dims, data: Float32Array.from({ length: size }, (_, i) => first + i * step) })
}

/** The same tensor as a result of the run, with unknown dims if `hides` is true. */
export function veiled(tensor: Tensor, hides: boolean): Tensor {
  const dims = hides ? tensor.dims.map(() => undefined) : tensor.dims
  return recordOne('Identity', [tensor], { type: tensor.type, dims })
}

/** The slice's entries. Lists and masks are arrays, or the results of `asTensor`. */
export function specOf(entries: readonly Entry[], asTensor?: (array: Nested) => Tensor): SliceSpec {
  return entries.map(entry => {
    if (entry === null || typeof entry !== 'object') return entry
    const array = 'list' in entry ? entry.list : entry.mask
    return asTensor ? asTensor(array) : (array as number[])
  })
}

/** The slice as the text of s`…`; undefined if a list has more than one axis. */
export function textOf(entries: readonly Entry[]): string | undefined {
  const texts = entries.map(entry => {
    if (entry === null || typeof entry !== 'object') return String(entry ?? 'None')
    const array = 'list' in entry ? entry.list : entry.mask
    if (array.some(Array.isArray) || ('mask' in entry && array.length === 0)) return undefined
    return `[${array.map(item => (typeof item === 'boolean' ? (item ? 'True' : 'False') : item)).join(', ')}]`
  })
  return texts.includes(undefined) ? undefined : texts.join(', ')
}
