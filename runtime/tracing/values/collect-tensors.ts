import { isMap, isSet } from '../../tensor/arguments/plain-objects.ts'
import { Tensor } from '../../tensor/tensor.ts'

/**
 * The tensors in a block's result: itself, or inside arrays, objects, maps and sets. `most`: how many of these are looked at, where the
 * result is whatever a program holds.
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

/** Long rows of numbers and texts, and rows of rows, told by some of them: data sets are held beside tensors. */
function isData(array: readonly unknown[]): boolean {
  const samples = [array[0], array[array.length >> 1], array[array.length - 1]]
  return array.length >= LONG && samples.every(isDatum)
}

const isDatum = (value: unknown): boolean =>
  typeof value === 'number' ||
  typeof value === 'string' ||
  (Array.isArray(value) && [...value.slice(0, 2)].every(isDatum))

/** Written with `{}`, or an instance of a class that somebody wrote: what a library keeps in typed arrays, promises or buffers is no field. */
const isFields = (value: object): boolean => Object.prototype.toString.call(value) === '[object Object]'

/** A getter is not asked: it may do anything. */
function* fieldsOf(value: object): Iterable<unknown> {
  for (const key of Object.keys(value)) {
    const field = Object.getOwnPropertyDescriptor(value, key)
    if (field && 'value' in field) yield field.value
  }
}
