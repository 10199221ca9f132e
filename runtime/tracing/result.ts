import { isMap, isPlain, isSet } from '../tensor/plain.ts'
import { Tensor } from '../tensor/tensor.ts'

/** The tensors in a block's result: itself, or inside arrays, plain objects, maps and sets. */
export function collectTensors(
  result: unknown,
  found: Set<Tensor> = new Set(),
  seen: Set<object> = new Set(),
): Set<Tensor> {
  if (result instanceof Tensor) {
    found.add(result)
    return found
  }
  if (typeof result !== 'object' || result === null || seen.has(result)) return found
  seen.add(result)
  if (Array.isArray(result) || isSet(result)) for (const item of result) collectTensors(item, found, seen)
  else if (isMap(result)) for (const item of result.values()) collectTensors(item, found, seen)
  else if (isPlain(result)) for (const item of Object.values(result)) collectTensors(item, found, seen)
  return found
}
