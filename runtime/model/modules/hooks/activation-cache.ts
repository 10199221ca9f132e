import { NoHookError } from '../../../errors/names.ts'
import { nearestNames } from '../../../errors/nearest-names.ts'
import { hookName } from '../../../names/hooks/short-names.ts'
import type { Tensor } from '../../../tensor/tensor.ts'

/** The hooks that a cache keeps: one name, a list of names, the names that match, or those that a function accepts. */
export type HookNames = string | readonly string[] | RegExp | ((name: string) => boolean)

/** The values of one run, by TransformerLens's names, which `runWithCache` returns. */
export class ActivationCache {
  readonly #values: ReadonlyMap<string, Tensor>
  readonly #layers: number

  constructor(values: ReadonlyMap<string, Tensor>, layers: number) {
    this.#values = values
    this.#layers = layers
  }

  /**
   * A value by its full name, `get('blocks.5.attn.hook_pattern')`, or by a short one: `get('pattern', 5)`, `get('scale', 4, 'ln1')`,
   * `get('resid_post', -1)`. @throws NoHookError for a name that was not kept
   */
  get(name: string, layer?: number, part?: string): Tensor {
    const whole = hookName(name, layer, part, this.#layers)
    const value = this.#values.get(whole)
    if (!value) throw new NoHookError(whole, 'the cache does not hold it', nearestNames(whole, this.#values.keys()))
    return value
  }

  /** Whether the cache has a value of this name, full or short. */
  has(name: string, layer?: number, part?: string): boolean {
    return this.#values.has(hookName(name, layer, part, this.#layers))
  }

  /** The full names, in running order. */
  keys(): IterableIterator<string> {
    return this.#values.keys()
  }

  /** The values, in running order. */
  values(): IterableIterator<Tensor> {
    return this.#values.values()
  }

  /** Names and values, in running order. */
  [Symbol.iterator](): IterableIterator<[string, Tensor]> {
    return this.#values[Symbol.iterator]()
  }

  /** The number of values. */
  get size(): number {
    return this.#values.size
  }

  /** The names, with dims. */
  toString(): string {
    return [...this.#values].map(([name, { dims }]) => `${name} [${dims.join(', ')}]`).join('\n')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `ActivationCache of ${this.size} values\n${this}`
  }
}

/** The names that the user chose among those of a model. A name that is listed may be missing there: reading its value then throws the reason. */
export function chosenNames(all: readonly string[], names: HookNames | undefined, layers: number): string[] {
  if (typeof names === 'string') return [hookName(names, undefined, undefined, layers)]
  if (names instanceof RegExp) return all.filter(name => name.search(names) >= 0)
  if (typeof names === 'function') return all.filter(name => names(name))
  if (names) return names.map(name => hookName(name, undefined, undefined, layers))
  // As in TransformerLens, results of heads are kept only if the user asks for them, because they are as large as all other values together.
  return all.filter(name => !name.endsWith('hook_result'))
}
