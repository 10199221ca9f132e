import { isReadByTools, valueForTools } from '../../../tensor/members/names-tools-read.ts'
import type { Tensor } from '../../../tensor/tensor.ts'
import type { Binding } from '../binding.ts'
import { hookTable, readHook, writeHook } from './hooks.ts'

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** Values by TransformerLens's hook names: reading returns a handle, assigning writes. */
export type Hooks = { [name: string]: Tensor }

export function hooksOf(binding: Binding): Hooks {
  const names = (): string[] => hookTable(binding).names
  const target = {} as Hooks
  Object.defineProperty(target, INSPECT, { value: () => `Hooks: ${names().join(', ')}`, configurable: true })
  return new Proxy(target, {
    get: (_, key) => {
      if (key === INSPECT) return Reflect.get(target, key)
      if (typeof key === 'symbol' || key === 'then') return undefined
      if (key === 'toJSON' || isReadByTools(key)) return valueForTools(key, target)
      return readHook(binding, key)
    },
    set: (_, key, value) => {
      writeHook(binding, String(key), value)
      return true
    },
    has: (_, key) => typeof key === 'string' && hookTable(binding).find(key).kind !== 'none',
    ownKeys: () => names(),
    getOwnPropertyDescriptor: (_, key) =>
      typeof key === 'string' && hookTable(binding).find(key).kind !== 'none'
        ? { configurable: true, enumerable: true, writable: true, value: undefined }
        : undefined,
  })
}
