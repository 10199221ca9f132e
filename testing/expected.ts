import { type Float16Array, f16round, isFloat16Array } from '@petamoriken/float16'
import { ArgumentError } from '../runtime/errors/tensor.ts'
import { type NestedArray, Tensor, type TensorArray } from '../runtime/index.ts'
import { sizeOf } from '../runtime/tensor/dtypes/data.ts'
import type { HeldType } from '../runtime/tensor/dtypes/dtype.ts'
import { stateOf } from '../runtime/tensor/tensor.ts'
import { toTensor } from '../runtime/tensor/values/convert.ts'
import { type Elements, elementsOf } from './elements.ts'

/** Elements in an array of their own: a Uint8Array is bool too, as that is held so. */
export type ExpectedArray = Exclude<TensorArray, string[]> | Float16Array

/**
 * What a tensor is compared with. Numbers and nested arrays have the tensor's own dtype; a tensor and a typed array have theirs, and a
 * typed array without dims has one axis. A number is a tensor of rank 0.
 */
export type Expected =
  | Tensor
  | number
  | bigint
  | boolean
  | string
  | NestedArray
  | ExpectedArray
  | {
      /** Row-major. */
      readonly data: ExpectedArray | readonly (number | bigint | boolean | string)[]
      /** Outermost first. */
      readonly dims: readonly number[]
    }

/** @throws NotComputedError, NotSavedError for a tensor without a value; ArgumentError, DtypeError for what can't be compared with it */
export function expectedElements(expected: Expected, type: HeldType): Elements {
  if (expected instanceof Tensor) return elementsOf(stateOf(expected).data())
  if (isTyped(expected)) return ofTyped(expected, type)
  if (typeof expected !== 'object' || Array.isArray(expected)) return ofNested(expected as NestedArray, type)
  const { data, dims } = (expected ?? {}) as Partial<Extract<Expected, { data: unknown }>>
  if (data === undefined || !Array.isArray(dims))
    throw new ArgumentError(
      `closeTo: the expected value is ${expected === null ? 'null' : 'an object without data and dims'}.`,
      undefined,
      'give a tensor, nested arrays, a typed array, { data, dims } or a number',
    )
  const flat = isTyped(data) ? ofTyped(data, type) : ofNested(data as NestedArray, type)
  if (flat.dims.length !== 1 || flat.length !== sizeOf(dims))
    throw new ArgumentError(
      `closeTo: ${flat.length} expected elements do not fill [${dims.join(', ')}].`,
      undefined,
      'give a flat array, and dims whose product is its length',
    )
  return { ...flat, dims: [...dims] }
}

function isTyped(value: unknown): value is ExpectedArray {
  return ArrayBuffer.isView(value) || isFloat16Array(value)
}

function ofTyped(array: ExpectedArray, type: HeldType): Elements {
  const held = stateOf(toTensor(array as Exclude<TensorArray, string[]>)).data()
  return elementsOf(type === 'bool' && held.type === 'uint8' ? { ...held, type } : held)
}

const roundings: Partial<Readonly<Record<HeldType, (value: number) => number>>> = {
  float32: Math.fround,
  float16: f16round,
}

/** Numbers are rounded to the dtype, as the tensor's own were: 0.1 is a float32 then. */
function ofNested(value: NestedArray, type: HeldType): Elements {
  const round = roundings[type]
  if (!round) return elementsOf(stateOf(toTensor(value, { type })).data())
  const exact = elementsOf(stateOf(toTensor(value, { type: 'float64' })).data())
  return {
    ...exact,
    type,
    at: i => {
      const element = exact.at(i) as number
      const rounded = round(element)
      // What the dtype can't hold stays as it is: 1e9 is not the Infinity of a float16.
      return Number.isFinite(rounded) ? rounded : element
    },
  }
}
