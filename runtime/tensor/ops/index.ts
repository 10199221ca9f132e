import { Tensor } from '../tensor.ts'
import { elementwise } from './elementwise.ts'

/** Every operation that is a method of `Tensor`. */
export type TensorMethods = typeof elementwise

for (const family of [elementwise]) {
  for (const [name, method] of Object.entries(family)) {
    Object.defineProperty(Tensor.prototype, name, { value: method, writable: true, configurable: true })
  }
}
