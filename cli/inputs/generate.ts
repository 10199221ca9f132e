import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { Declared, Tensor } from '../../runtime/index.ts'
import { computeElements } from '../../runtime/tensor/creation/elements.ts'
import { sizeOf, type TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { bytesOf, type DataType, type HeldType, isFloat, isHeld } from '../../runtime/tensor/dtypes/dtype.ts'
import { stateOf, Tensor as Tensors } from '../../runtime/tensor/tensor.ts'
import { byteSize } from '../shared/byte-size.ts'
import { CommandError } from '../shared/errors.ts'

/** The values with which an input is generated. */
export type Filling = 'zeros' | 'ones' | 'positions' | 'random'

export interface CompletedInputs {
  readonly inputs: Readonly<Record<string, Tensor>>
  /** The names of the generated inputs, and the values with which they were generated. */
  readonly generated: ReadonlyMap<string, Filling>
}

/** The default size of an open dim that is not the batch. */
const DEFAULT_SIZE = 16

/** The largest input that is generated. A size with a digit too many would otherwise take the machine's memory before the model sees it. */
const MAX_BYTES = 1e9
/** About what an empty text takes in a list. */
const BYTES_OF_TEXT = 16

/**
 * Generates the inputs that are missing, from what the model declares. An open dim has the size passed in `dims`, or its size in an input
 * that was passed; otherwise 1 for the batch and 16 for others. Masks are ones, positions count up, integers are zeros, and other numbers are
 * random but always the same.
 * @param dims sizes by the name of the dim, or by input and axis if it has no name: `x.1`
 * @param passed the inputs that the user passed, by name
 * @param fillings values for inputs that should not have the default ones, by name
 * @throws CommandError for dims that the model does not have, and for inputs that can't be generated
 */
export function completeInputs(
  declared: readonly Declared[],
  passed: Readonly<Record<string, Tensor>>,
  dims: ReadonlyMap<string, number>,
  fillings: ReadonlyMap<string, Filling> = new Map(),
): CompletedInputs {
  const sizes = new Sizes(declared, passed, dims)
  const inputs: Record<string, Tensor> = { ...passed }
  const generated = new Map<string, Filling>()
  for (const input of declared) {
    if (inputs[input.name]) continue
    const filling = fillings.get(input.name) ?? defaultFilling(input)
    inputs[input.name] = Tensors.of(generate(input, sizes.of(input), filling))
    generated.set(input.name, filling)
  }
  for (const name of dims.keys()) if (!sizes.used.has(name)) throw unusedDim(name, sizes.used)
  return { inputs, generated }
}

/** The sizes of open dims: those that the user set, and those that the passed inputs have. */
class Sizes {
  /** The names of the dims that were needed so far. */
  readonly used = new Set<string>()
  readonly #known = new Map<string, number>()
  /** The names of all dims of the model's inputs. */
  readonly #names: ReadonlySet<unknown>

  constructor(
    declared: readonly Declared[],
    passed: Readonly<Record<string, Tensor>>,
    dims: ReadonlyMap<string, number>,
  ) {
    this.#names = new Set(declared.flatMap(input => input.dims ?? []))
    for (const { name, dims: names } of declared) {
      names?.forEach((dim, axis) => {
        const size = passed[name]?.dims[axis]
        if (typeof dim === 'string' && size !== undefined && !this.#known.has(dim)) this.#known.set(dim, size)
      })
    }
    for (const [name, size] of dims) {
      const passedSize = this.#known.get(name)
      if (passedSize !== undefined && passedSize !== size)
        throw new CommandError(
          `--dim ${name}=${size}: in the inputs that you pass, this dim is ${passedSize}.`,
          'leave the option out',
        )
      this.#known.set(name, size)
    }
  }

  of({ name, dims }: Declared): number[] {
    if (!dims)
      throw new CommandError(`The model does not say how many dims ${name} has.`, `pass the input: --input ${name}=…`)
    return dims.map((dim, axis) => {
      if (typeof dim === 'number') return dim
      const own = `${name}.${axis}`
      if (dim !== undefined && !this.#known.has(own)) return this.#sizeOf(dim)
      this.used.add(own)
      return this.#known.get(own) ?? (axis === 0 ? 1 : DEFAULT_SIZE)
    })
  }

  #sizeOf(name: string): number {
    this.used.add(name)
    const size = this.#known.get(name)
    if (size !== undefined) return size
    const terms = this.#termsOf(name)
    if (terms) return terms.reduce((sum, term) => sum + (/^\d+$/.test(term) ? Number(term) : this.#sizeOf(term)), 0)
    return /batch|^[bn]$/i.test(name) ? 1 : DEFAULT_SIZE
  }

  /** The terms of a dim that is the sum of others. Exporters call it `past_length + length`, or `total_length`. */
  #termsOf(name: string): string[] | undefined {
    const [, rest] = /^total_(\w+)$/.exec(name) ?? []
    if (rest !== undefined && this.#names.has(rest) && this.#names.has(`past_${rest}`)) return [`past_${rest}`, rest]
    const terms = name.split('+').map(term => term.trim())
    return terms.length > 1 && terms.every(term => /^\w+$/.test(term)) ? terms : undefined
  }
}

/** The values with which an input is generated by default. */
export function defaultFilling({ name, type }: Declared): Filling {
  if (/mask/i.test(name)) return 'ones'
  if (/^u?int/.test(type) && /position/i.test(name)) return 'positions'
  return isFloat(type as DataType) ? 'random' : 'zeros'
}

function generate({ name, type }: Declared, dims: readonly number[], filling: Filling): TensorData {
  const dtype = type as HeldType
  if (!isHeld(dtype as DataType))
    throw new CommandError(
      `The input ${name} is ${type}, which can't be generated.`,
      `pass the input: --input ${name}=…`,
    )
  const count = sizeOf(dims)
  const bytes = count * (bytesOf(dtype) || BYTES_OF_TEXT)
  if (bytes > MAX_BYTES)
    throw new CommandError(
      `The input ${name} with the dims [${dims.join(', ')}] would take ${byteSize(bytes)}, and an input of more than ${byteSize(MAX_BYTES)} is not generated.`,
      `choose smaller sizes (--dim), or pass the input: --input ${name}=…`,
    )
  if (dtype === 'string') return { type: dtype, dims, data: new Array<string>(count).fill('') }
  const random = xoroshiro128plus(1)
  const last = dims.at(-1) ?? 1
  const values: Readonly<Record<Filling, (i: number) => number>> = {
    zeros: () => 0,
    ones: () => 1,
    positions: i => i % last,
    random: () => random.next() / 2 ** 31,
  }
  return stateOf(computeElements(name, dims, dtype, values[filling])).data()
}

function unusedDim(name: string, used: ReadonlySet<string>): CommandError {
  return new CommandError(
    `--dim ${name}: no generated input has a dim of this name.`,
    used.size > 0
      ? `use one of their dims: ${[...used].join(', ')}`
      : 'leave it out: you pass all inputs, or they have fixed dims',
  )
}
