import { isMap, isSet } from '../../tensor/arguments/plain-objects.ts'
import { Tensor } from '../../tensor/tensor.ts'

/**
 * Returns the tensors in a block's result: the result itself, or those inside arrays, objects, maps and sets. `most` limits how many of
 * these are searched, for results that may be anything a program holds.
 */
export function collectTensors(result: unknown, most = Number.POSITIVE_INFINITY): Set<Tensor> {
  const found = new Set<Tensor>()
  if (result instanceof Tensor) return found.add(result)
  const seen = new Set<object>()
  const open: unknown[] = [result]
  while (open.length > 0 && seen.size < most) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    for (const part of partsOf(value)) {
      if (part instanceof Tensor) found.add(part)
      else if (typeof part === 'object' && part !== null) open.push(part)
    }
  }
  return found
}

function partsOf(value: object): Iterable<unknown> {
  if (Array.isArray(value)) return isData(value) ? [] : value
  if (isSet(value)) return value
  if (isMap(value)) return value.values()
  return isFields(value) ? fieldsOf(value) : []
}

const LONG = 64

/** Whether an array is data and holds no tensors: a long row of numbers and texts, or rows of such rows. Only some elements are checked. */
function isData(array: readonly unknown[]): boolean {
  const samples = [array[0], array[array.length >> 1], array[array.length - 1]]
  return array.length >= LONG && samples.every(isDatum)
}

const isDatum = (value: unknown): boolean =>
  typeof value === 'number' ||
  typeof value === 'string' ||
  (Array.isArray(value) && [...value.slice(0, 2)].every(isDatum))

/**
 * Whether an object has fields to search: it was written with `{}`, or is an instance of a class that somebody wrote. Typed arrays,
 * promises and buffers have none.
 */
const isFields = (value: object): boolean => Object.prototype.toString.call(value) === '[object Object]'

/** Returns the values of the fields. Getters are left out, because they may do anything. */
function* fieldsOf(value: object): Iterable<unknown> {
  for (const key of Object.keys(value)) {
    const field = Object.getOwnPropertyDescriptor(value, key)
    if (field && 'value' in field) yield field.value
  }
}
