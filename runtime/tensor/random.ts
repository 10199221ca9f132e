import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { toTensor } from './convert.ts'
import { sizeOf } from './data.ts'
import type { HeldType } from './dtype.ts'
import { Tensor } from './tensor.ts'

/** Random tensors need a seed: the same seed gives the same numbers, on every machine and at every call. */
export interface Seeded {
  readonly seed: number
  /** @default 'float32' */
  readonly type?: HeldType
}

/** Uniform in [0, 1). xoroshiro128+. */
export function rand(dims: readonly number[], { seed, type = 'float32' }: Seeded): Tensor {
  const generator = xoroshiro128plus(seed)
  return shaped(
    Array.from({ length: sizeOf(dims) }, () => uniformFloat64(generator)),
    dims,
    type,
  )
}

/** Normal, mean 0 and standard deviation 1: Box and Muller's transform of xoroshiro128+. */
export function randn(dims: readonly number[], { seed, type = 'float32' }: Seeded): Tensor {
  const generator = xoroshiro128plus(seed)
  const values = Array.from({ length: sizeOf(dims) }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(generator)))
    return radius * Math.cos(2 * Math.PI * uniformFloat64(generator))
  })
  return shaped(values, dims, type)
}

/** Integers from low up to, but without, high: int64. */
export function randint(low: number, high: number, dims: readonly number[], { seed, type = 'int64' }: Seeded): Tensor {
  const generator = xoroshiro128plus(seed)
  return shaped(
    Array.from({ length: sizeOf(dims) }, () => uniformInt(generator, low, high - 1)),
    dims,
    type,
  )
}

/** The integers below `count` in random order: int64. */
export function randperm(count: number, { seed }: Seeded): Tensor {
  const generator = xoroshiro128plus(seed)
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = uniformInt(generator, 0, i)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return shaped(order, [count], 'int64')
}

function shaped(values: number[], dims: readonly number[], type: HeldType): Tensor {
  return Tensor.of({ ...toTensor(values, { type }).held(), dims })
}
