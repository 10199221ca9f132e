import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { mersenne } from 'pure-rand/generator/mersenne'
import { ArgumentError } from '../../errors/tensor.ts'
import { expect } from '../arguments/check-arguments.ts'
import { currentPosition } from '../current-position.ts'
import type { HeldType } from '../dtypes/dtype.ts'
import { Tensor } from '../tensor.ts'
import { allocateElements, computeElements } from './elements.ts'

type Generator = ReturnType<typeof mersenne>

/** Options of random tensors. They need a seed: the same seed gives the same numbers at every call, on every machine. */
export interface Seeded {
  /** An integer, of which the lower 32 bits are used. */
  readonly seed: number
  /** @default 'float32' */
  readonly type?: HeldType
}

/** Creates the generator of random numbers for a seed. @throws ArgumentError without a seed, because the numbers could not be reproduced */
function generatorOf(operation: string, seed: number | undefined): Generator {
  if (seed !== undefined && Number.isSafeInteger(seed)) return mersenne(seed)
  const what = seed === undefined ? 'it was given no seed' : `its seed is ${seed}`
  throw new ArgumentError(
    `${operation}: ${what}, and without an integer the same numbers can't be had again.`,
    currentPosition(),
    'give the seed last: randn([2, 3], { seed: 0 }), in a template randn([2, 3], seed=0)',
  )
}

/**
 * Creates a tensor of random numbers, uniform in [0, 1), by the Mersenne twister (Matsumoto and Nishimura 1998). Smaller generators give
 * similar numbers for neighbouring seeds.
 */
export function rand(dims: readonly number[], options: Seeded): Tensor
export function rand(dims: readonly number[], options: Seeded, ...surplus: unknown[]): Tensor {
  const { seed, type = 'float32' } = expect<Partial<Seeded>>('rand', dims, options, ...surplus)
  const generator = generatorOf('rand', seed)
  // Only as many bits as the type holds are drawn. More would be rounded, and could round up to 1.
  const steps = 2 ** (type === 'float16' ? 11 : type === 'float32' ? 24 : 53)
  return computeElements('rand', dims, type, () => Math.floor(uniformFloat64(generator) * steps) / steps)
}

/**
 * Creates a tensor of normally distributed numbers with mean 0 and standard deviation 1, from `rand` by the transform of Box and Muller
 * (1958).
 */
export function randn(dims: readonly number[], options: Seeded): Tensor
export function randn(dims: readonly number[], options: Seeded, ...surplus: unknown[]): Tensor {
  const { seed, type } = expect<Partial<Seeded>>('randn', dims, options, ...surplus)
  const generator = generatorOf('randn', seed)
  return computeElements('randn', dims, type ?? 'float32', () => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(generator)))
    return radius * Math.cos(2 * Math.PI * uniformFloat64(generator))
  })
}

/** Creates a tensor of random integers from low up to but without high: int64, unless `type` says otherwise. */
export function randint(low: number, high: number, dims: readonly number[], options: Seeded): Tensor
export function randint(
  low: number,
  high: number,
  dims: readonly number[],
  options: Seeded,
  ...surplus: unknown[]
): Tensor {
  const { seed, type } = expect<Partial<Seeded>>('randint', low, high, dims, options, ...surplus)
  const generator = generatorOf('randint', seed)
  if (!(low < high))
    throw new ArgumentError(`randint: there is no integer from ${low} up to, but without, ${high}.`, currentPosition())
  return computeElements('randint', dims, type ?? 'int64', () => uniformInt(generator, low, high - 1))
}

/** Creates a vector of the integers from 0 to count − 1 in random order: int64, unless `type` says otherwise. */
export function randperm(count: number, options: Seeded): Tensor
export function randperm(count: number, options: Seeded, ...surplus: unknown[]): Tensor {
  const { seed } = expect<Partial<Seeded>>('randperm', count, options, ...surplus)
  const generator = generatorOf('randperm', seed)
  const order = allocateElements('randperm', [count], 'int64') as BigInt64Array
  for (let i = 0; i < count; i++) order[i] = BigInt(i)
  for (let i = count - 1; i > 0; i--) {
    const j = uniformInt(generator, 0, i)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return Tensor.of({ type: 'int64', dims: [count], data: order })
}
