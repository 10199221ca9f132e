import { PREDICATE_METHODS } from '../../../language/predicate-methods.ts'
import { checkedCallback } from '../../tensor/members/tensors-in-javascript.ts'

/** The array methods of a list of layers, beside `at`, `slice`, `length` and iteration. */
export interface LayerMethods<Layer> {
  map<R>(change: (layer: Layer, index: number) => R): R[]
  flatMap<R>(change: (layer: Layer, index: number) => R | readonly R[]): R[]
  filter(test: (layer: Layer, index: number) => boolean): Layer[]
  find(test: (layer: Layer, index: number) => boolean): Layer | undefined
  findIndex(test: (layer: Layer, index: number) => boolean): number
  some(test: (layer: Layer, index: number) => boolean): boolean
  every(test: (layer: Layer, index: number) => boolean): boolean
  forEach(act: (layer: Layer, index: number) => void): void
  reduce<R>(join: (sum: R, layer: Layer, index: number) => R, start: R): R
  entries(): IterableIterator<[number, Layer]>
  keys(): IterableIterator<number>
  values(): IterableIterator<Layer>
  indexOf(layer: Layer): number
  includes(layer: Layer): boolean
}

/** The array methods that lists of layers have. */
const LIST_METHODS: ReadonlySet<string> = new Set(
  'map filter find findIndex findLast forEach some every entries keys values reduce flatMap indexOf includes'.split(
    ' ',
  ),
)

/** An array's method on the layers or heads of a list; undefined for another name. */
export function listMethod(name: string, layers: () => readonly unknown[]): unknown {
  if (!LIST_METHODS.has(name)) return undefined
  const method = (Array.prototype[name as 'map'] as (...args: unknown[]) => unknown).bind(layers())
  return PREDICATE_METHODS.has(name)
    ? (callback: unknown, ...rest: unknown[]) => method(checkedCallback(callback, name), ...rest)
    : method
}
