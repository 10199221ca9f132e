import { inspect } from 'node:util'
import { Tensor } from '../../runtime/index.ts'

/** Of a variable, without its elements. */
export function summary(value: unknown): string {
  if (value instanceof Tensor) return `${value.type} [${value.dims.join(', ')}]`
  return typeof value === 'function' ? 'a module' : inspect(value)
}
