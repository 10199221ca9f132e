import { inspect } from 'node:util'
import { showDims } from '../../runtime/errors/tensor.ts'
import { Tensor } from '../../runtime/index.ts'

/** Describes the value of a variable, without its elements. */
export function summary(value: unknown): string {
  if (value instanceof Tensor) return `${value.type} ${showDims(value.dims)}`
  return typeof value === 'function' ? 'a module' : inspect(value)
}
