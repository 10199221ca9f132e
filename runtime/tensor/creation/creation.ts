import { ArgumentError, IndexError } from '../../errors/tensor.ts'
import { expect } from '../arguments/check-arguments.ts'
import { checkDims } from '../arguments/check-dims.ts'
import { currentPosition } from '../current-position.ts'
import { sizeOf } from '../dtypes/data.ts'
import type { DataType, HeldType } from '../dtypes/dtype.ts'
import { recordOne, stateOf, Tensor } from '../tensor.ts'
import { type TensorLike, toTensor } from '../values/convert.ts'
import { int64Operand } from '../values/int64.ts'
import { allocateElements, computeElements } from './elements.ts'

/** Options of functions that create tensors. */
interface Typed {
  /** @default 'float32' */
  readonly type?: HeldType
}

/**
 * Creates a tensor from nested arrays, a typed array or a number. Numbers become float32, bigints int64, booleans bool and texts string; a
 * typed array keeps its dtype and has rank 1. `type` and `dims` override this.
 * @throws UnknownOptionError, ArgumentError if the arrays are ragged or the elements do not fill the dims
 */
export function tensor(data: TensorLike, { type, dims }?: { type?: HeldType; dims?: readonly number[] }): Tensor
/** Creates a tensor with these dims: `tensor(data, [2, 3])`. */
export function tensor(data: TensorLike, dims: readonly number[]): Tensor
export function tensor(
  data: TensorLike,
  options?: { type?: HeldType; dims?: readonly number[] } | readonly number[],
  ...surplus: unknown[]
): Tensor {
  const { type, dims } = expect<{ type?: HeldType; dims?: readonly number[] }>('tensor', data, options, ...surplus)
  const result = toTensor(data, { type })
  if (dims) checkDims(dims, 'tensor')
  return dims ? Tensor.of(withDims(result, dims)) : result
}

function withDims(tensor: Tensor, dims: readonly number[]) {
  const elements = stateOf(tensor).data()
  if (sizeOf(dims) !== sizeOf(elements.dims))
    throw new ArgumentError(`${sizeOf(elements.dims)} elements do not fill [${dims.join(', ')}].`, currentPosition())
  return { ...elements, dims: [...dims] }
}

/** Creates a tensor with these dims in which every element is `value`: float32, unless `type` says otherwise. */
export function full(dims: readonly number[], value: number, { type }?: Typed): Tensor
export function full(dims: readonly number[], value: number, options?: Typed, ...surplus: unknown[]): Tensor {
  return filled(dims, value, expect('full', dims, value, options, ...surplus))
}

function filled(dims: readonly number[], value: number, { type = 'float32' }: Typed): Tensor {
  const data = allocateElements('full', dims, type)
  const one = stateOf(toTensor(value, { type })).data().data
  ;(data as unknown[]).fill(one[0])
  return Tensor.of({ type, dims: [...dims], data })
}

/** Creates a tensor with these dims in which every element is 0: float32, unless `type` says otherwise. */
export function zeros(dims: readonly number[], options?: Typed): Tensor
export function zeros(dims: readonly number[], options?: Typed, ...surplus: unknown[]): Tensor {
  return filled(dims, 0, expect('zeros', dims, options, ...surplus))
}

/** Creates a tensor with these dims in which every element is 1: float32, unless `type` says otherwise. */
export function ones(dims: readonly number[], options?: Typed): Tensor
export function ones(dims: readonly number[], options?: Typed, ...surplus: unknown[]): Tensor {
  return filled(dims, 1, expect('ones', dims, options, ...surplus))
}

/**
 * Creates a tensor with the dims of another one in which every element is `value`. It has the other's dtype, unless `type` says otherwise.
 */
export function fullLike(other: Tensor, value: number, options?: { readonly type?: DataType }): Tensor
export function fullLike(
  other: Tensor,
  value: number,
  options: { readonly type?: DataType } = {},
  ...surplus: unknown[]
): Tensor {
  return filledLike(other, value, expect('fullLike', other, value, options, ...surplus))
}

function filledLike(other: Tensor, value: number, { type = other.type }: { readonly type?: DataType }): Tensor {
  const { dims } = other
  const shape = dims.includes(undefined)
    ? recordOne('Shape', [other], { type: 'int64', dims: [dims.length] })
    : int64Operand(dims as number[])
  return recordOne('Expand', [toTensor(value, { type }), shape], { type, dims })
}

/** Creates a tensor of zeros with the dims of another one. It has the other's dtype, unless `type` says otherwise. */
export function zerosLike(other: Tensor, options?: { readonly type?: DataType }): Tensor
export function zerosLike(other: Tensor, options?: { readonly type?: DataType }, ...surplus: unknown[]): Tensor {
  return filledLike(other, 0, expect('zerosLike', other, options, ...surplus))
}

/** Creates a tensor of ones with the dims of another one. It has the other's dtype, unless `type` says otherwise. */
export function onesLike(other: Tensor, options?: { readonly type?: DataType }): Tensor
export function onesLike(other: Tensor, options?: { readonly type?: DataType }, ...surplus: unknown[]): Tensor {
  return filledLike(other, 1, expect('onesLike', other, options, ...surplus))
}

/**
 * Creates a vector of start, start + step, … up to but without end; with one argument, of 0, 1, … below it. int64 if all arguments are
 * integers, else float32, unless `type` says otherwise.
 * @throws ArgumentError for a step of 0
 */
export function arange(start: number, end?: number, step?: number, options?: Typed): Tensor
export function arange(start: number, end?: number, step = 1, options: Typed = {}, ...surplus: unknown[]): Tensor {
  const known = expect<Typed>('arange', start, end, step, options, ...surplus)
  const [from, to] = end === undefined ? [0, start] : [start, end]
  if (step === 0) throw new ArgumentError('arange: a step of 0.', currentPosition())
  const type = known.type ?? ([from, to, step].every(Number.isInteger) ? 'int64' : 'float32')
  const length = Math.max(0, Math.ceil((to - from) / step))
  if (!Number.isSafeInteger(length))
    throw new ArgumentError(`arange: from ${from} to ${to} by ${step}`, currentPosition())
  return computeElements('arange', [length], type, i => from + i * step)
}

/** Creates a vector of `steps` evenly spaced values from start to end, both included: float32, unless `type` says otherwise. */
export function linspace(start: number, end: number, steps: number, options?: Typed): Tensor
export function linspace(
  start: number,
  end: number,
  steps: number,
  options: Typed = {},
  ...surplus: unknown[]
): Tensor {
  const { type = 'float32' } = expect<Typed>('linspace', start, end, steps, options, ...surplus)
  return computeElements('linspace', [steps], type, i =>
    steps === 1 ? start : start + ((end - start) * i) / (steps - 1),
  )
}

/** Creates a matrix [rows, columns] with 1 on the main diagonal and 0 elsewhere: float32, unless `type` says otherwise. */
export function eye(rows: number, columns?: number, options?: Typed): Tensor
export function eye(rows: number, columns = rows, options: Typed = {}, ...surplus: unknown[]): Tensor {
  const { type = 'float32' } = expect<Typed>('eye', rows, columns, options, ...surplus)
  const result = zeros([rows, columns], { type })
  const ones = stateOf(full([Math.min(rows, columns)], 1, { type })).data().data as unknown[]
  const data = stateOf(result).data().data as unknown[]
  for (let i = 0; i < ones.length; i++) data[i * columns + i] = ones[i]
  return result
}

/**
 * Adds a last axis of size `classes` that is 1 at the class and 0 elsewhere: int64.
 * @throws IndexError for a class below 0 or not below `classes`
 */
export function oneHot(ids: Tensor, classes: number): Tensor
export function oneHot(ids: Tensor, classes: number, ...surplus: unknown[]): Tensor {
  expect('oneHot', ids, classes, ...surplus)
  if (ids.computed) {
    for (const id of stateOf(ids).data().data as Iterable<number | bigint>)
      if (id < 0 || id >= classes)
        throw new IndexError(`oneHot: there is no class ${id} among ${classes}`, currentPosition())
  }
  return ids.long().unsqueeze(-1).eq(arange(classes)).long()
}

export { rand, randint, randn, randperm } from './random.ts'
