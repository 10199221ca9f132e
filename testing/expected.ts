import { type Float16Array, f16round, isFloat16Array } from '@petamoriken/float16'
import { ArgumentError } from '../runtime/errors/tensor.ts'
import { type NestedArray, Tensor, type TensorArray } from '../runtime/index.ts'
import { sizeOf } from '../runtime/tensor/dtypes/data.ts'
import type { HeldType } from '../runtime/tensor/dtypes/dtype.ts'
import { stateOf } from '../runtime/tensor/tensor.ts'
import { toTensor } from '../runtime/tensor/values/convert.ts'
import { type Elements, elementsOf } from './elements.ts'

/** A typed array of expected elements. A Uint8Array can stand for bool too, because tensors store bool that way. */
export type ExpectedArray = Exclude<TensorArray, string[]> | Float16Array

/**
 * What a tensor is compared with: a tensor, a number (a tensor of rank 0), nested arrays, or a typed array, which without dims has one axis.
 * Numbers and nested arrays take the dtype of the tensor that they are compared with; a tensor and a typed array have their own.
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
      /** The elements in row-major order. */
      readonly data: ExpectedArray | readonly (number | bigint | boolean | string)[]
      /** The size of each axis, the outermost first. */
      readonly dims: readonly number[]
    }

/** Converts the expected value to elements. @throws NotComputedError or NotSavedError for a tensor without a value; ArgumentError or DtypeError for other values */
export function expectedElements(expected: Expected, type: HeldType): Elements {
  if (expected instanceof Tensor) return elementsOf(stateOf(expected).data())
  if (isTyped(expected)) return elementsOfTyped(expected, type)
  if (typeof expected !== 'object' || Array.isArray(expected)) return elementsOfNested(expected as NestedArray, type)
  const { data, dims } = (expected ?? {}) as Partial<Extract<Expected, { data: unknown }>>
  if (data === undefined || !Array.isArray(dims))
    throw new ArgumentError(
      `closeTo: the expected value is ${expected === null ? 'null' : 'an object without data and dims'}.`,
      undefined,
      'pass a tensor, nested arrays, a typed array, { data, dims } or a number',
    )
  const flat = isTyped(data) ? elementsOfTyped(data, type) : elementsOfNested(data as NestedArray, type)
  if (flat.dims.length !== 1 || flat.length !== sizeOf(dims))
    throw new ArgumentError(
      `closeTo: ${flat.length} expected elements do not fill [${dims.join(', ')}].`,
      undefined,
      'pass a flat array, and dims whose product is its length',
    )
  return { ...flat, dims: [...dims] }
}

function isTyped(value: unknown): value is ExpectedArray {
  return ArrayBuffer.isView(value) || isFloat16Array(value)
}

function elementsOfTyped(array: ExpectedArray, type: HeldType): Elements {
  const converted = stateOf(toTensor(array as Exclude<TensorArray, string[]>)).data()
  return elementsOf(type === 'bool' && converted.type === 'uint8' ? { ...converted, type } : converted)
}

const rounders: Partial<Readonly<Record<HeldType, (value: number) => number>>> = {
  float32: Math.fround,
  float16: f16round,
}

/** Converts numbers to elements. They are rounded to the dtype like the tensor's own, so that 0.1 equals a float32. */
function elementsOfNested(value: NestedArray, type: HeldType): Elements {
  const round = rounders[type]
  if (!round) return elementsOf(stateOf(toTensor(value, { type })).data())
  const exact = elementsOf(stateOf(toTensor(value, { type: 'float64' })).data())
  return {
    ...exact,
    type,
    at: i => {
      const element = exact.at(i) as number
      const rounded = round(element)
      // A number that the dtype can't hold is not rounded: 1e9 must not equal the Infinity of a float16.
      return Number.isFinite(rounded) ? rounded : element
    },
  }
}
