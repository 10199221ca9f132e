import { isMap, isSet } from '../tensor/plain.ts'
import { Tensor } from '../tensor/tensor.ts'

/** The tensors in a block's result: itself, or inside arrays, objects, maps and sets. */
export function collectTensors(result: unknown): Set<Tensor> {
  const found = new Set<Tensor>()
  if (result instanceof Tensor) return found.add(result)
  const seen = new Set<object>()
  const open: unknown[] = [result]
  while (open.length > 0) {
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
  if (Array.isArray(value) || isSet(value)) return value
  if (isMap(value)) return value.values()
  return isFields(value) ? fieldsOf(value) : []
}

/** Written with `{}`, or an instance of a class that somebody wrote: what a library keeps in typed arrays, promises or buffers is no field. */
const isFields = (value: object): boolean => Object.prototype.toString.call(value) === '[object Object]'

/** A getter is not asked: it may do anything. */
function* fieldsOf(value: object): Iterable<unknown> {
  for (const key of Object.keys(value)) {
    const field = Object.getOwnPropertyDescriptor(value, key)
    if (field && 'value' in field) yield field.value
  }
}
