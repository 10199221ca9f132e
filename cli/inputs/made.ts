import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { Declared, Tensor } from '../../runtime/index.ts'
import { sizeOf, type TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { type DataType, type HeldType, isFloat, isHeld } from '../../runtime/tensor/dtypes/dtype.ts'
import { stateOf, Tensor as Tensors } from '../../runtime/tensor/tensor.ts'
import { toTensor } from '../../runtime/tensor/values/convert.ts'
import { CommandError } from '../shared/errors.ts'

/** What a made input holds. */
export type Filling = 'zeros' | 'ones' | 'positions' | 'random'

export interface MadeInputs {
  readonly inputs: Readonly<Record<string, Tensor>>
  /** Those that were made, with what they hold. */
  readonly made: ReadonlyMap<string, Filling>
}

/** A batch of one, and some places in it. */
const USUAL = 16

/**
 * Makes the inputs that are missing, from what the model declares. A dim is what is given for it, or what a given input has there; else 1
 * for the batch and 16 for others. Masks are ones, positions count, whole numbers are zeros and other numbers random, always the same.
 * @param dims by name, or by input and axis for those without one: `x.1`
 * @param fillings by name, where they are not to be the usual ones
 * @throws CommandError for dims that the model does not have, and inputs that can't be made
 */
export function completeInputs(
  declared: readonly Declared[],
  given: Readonly<Record<string, Tensor>>,
  dims: ReadonlyMap<string, number>,
  fillings: ReadonlyMap<string, Filling> = new Map(),
): MadeInputs {
  const sizes = new Sizes(declared, given, dims)
  const inputs: Record<string, Tensor> = { ...given }
  const made = new Map<string, Filling>()
  for (const input of declared) {
    if (inputs[input.name]) continue
    const filling = fillings.get(input.name) ?? usualFilling(input)
    inputs[input.name] = Tensors.of(filled(input, sizes.of(input), filling))
    made.set(input.name, filling)
  }
  for (const name of dims.keys()) if (!sizes.used.has(name)) throw unusedDim(name, sizes.used)
  return { inputs, made }
}

/** How large the open dims are. */
class Sizes {
  /** Those that were asked for. */
  readonly used = new Set<string>()
  readonly #known = new Map<string, number>()
  /** All that the model has. */
  readonly #names: ReadonlySet<unknown>

  constructor(
    declared: readonly Declared[],
    given: Readonly<Record<string, Tensor>>,
    dims: ReadonlyMap<string, number>,
  ) {
    this.#names = new Set(declared.flatMap(input => input.dims ?? []))
    for (const { name, dims: names } of declared) {
      names?.forEach((dim, axis) => {
        const size = given[name]?.dims[axis]
        if (typeof dim === 'string' && size !== undefined && !this.#known.has(dim)) this.#known.set(dim, size)
      })
    }
    for (const [name, size] of dims) {
      const there = this.#known.get(name)
      if (there !== undefined && there !== size)
        throw new CommandError(`--dim ${name}=${size}: the inputs that are given have ${there} there.`, 'leave it out')
      this.#known.set(name, size)
    }
  }

  of({ name, dims }: Declared): number[] {
    if (!dims) throw new CommandError(`The model does not say how many dims ${name} has.`, `give it: --input ${name}=…`)
    return dims.map((dim, axis) => {
      if (typeof dim === 'number') return dim
      const own = `${name}.${axis}`
      if (dim !== undefined && !this.#known.has(own)) return this.#sizeOf(dim)
      this.used.add(own)
      return this.#known.get(own) ?? (axis === 0 ? 1 : USUAL)
    })
  }

  #sizeOf(name: string): number {
    this.used.add(name)
    const size = this.#known.get(name)
    if (size !== undefined) return size
    const terms = this.#termsOf(name)
    if (terms) return terms.reduce((sum, term) => sum + (/^\d+$/.test(term) ? Number(term) : this.#sizeOf(term)), 0)
    return /batch|^[bn]$/i.test(name) ? 1 : USUAL
  }

  /** Exporters write `past_length + length` where one dim is the sum of others, or `total_length`. */
  #termsOf(name: string): string[] | undefined {
    const [, rest] = /^total_(\w+)$/.exec(name) ?? []
    if (rest !== undefined && this.#names.has(rest) && this.#names.has(`past_${rest}`)) return [`past_${rest}`, rest]
    const terms = name.split('+').map(term => term.trim())
    return terms.length > 1 && terms.every(term => /^\w+$/.test(term)) ? terms : undefined
  }
}

/** What an input is filled with where nothing else is said. */
export function usualFilling({ name, type }: Declared): Filling {
  if (/mask/i.test(name)) return 'ones'
  if (/^u?int/.test(type) && /position/i.test(name)) return 'positions'
  return isFloat(type as DataType) ? 'random' : 'zeros'
}

function filled({ name, type }: Declared, dims: readonly number[], filling: Filling): TensorData {
  const held = type as HeldType
  if (!isHeld(held as DataType))
    throw new CommandError(`No ${type} can be made for ${name}.`, `give it: --input ${name}=…`)
  const count = sizeOf(dims)
  if (held === 'string') return { type: held, dims, data: new Array<string>(count).fill('') }
  const random = xoroshiro128plus(1)
  const last = dims.at(-1) ?? 1
  const values: Readonly<Record<Filling, (i: number) => number>> = {
    zeros: () => 0,
    ones: () => 1,
    positions: i => i % last,
    random: () => random.next() / 2 ** 31,
  }
  const numbers = Array.from({ length: count }, (_, i) => values[filling](i))
  return { ...stateOf(toTensor(numbers, { type: held })).data(), dims }
}

function unusedDim(name: string, used: ReadonlySet<string>): CommandError {
  return new CommandError(
    `--dim ${name}: no input that is made has a dim of this name.`,
    used.size > 0 ? `they have ${[...used].join(', ')}` : 'leave it out: all inputs are given, or have fixed dims',
  )
}
