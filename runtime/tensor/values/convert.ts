import { Float16Array, isFloat16Array as isOwnFloat16Array } from '@petamoriken/float16'
import { refuseForeign } from '../../errors/copies.ts'
import { ArgumentError, DtypeError } from '../../errors/tensor.ts'
import { currentPosition } from '../current-position.ts'
import type { TensorData } from '../dtypes/data.ts'
import {
  allocate,
  type DataType,
  type HeldType,
  isBigInt,
  isFloat,
  isHeld,
  isInteger,
  type TensorArray,
} from '../dtypes/dtype.ts'
import { Tensor } from '../tensor.ts'
import { type ForeignTensor, fromForeign } from './foreign.ts'

/** Nested arrays of elements. All arrays at one depth have the same length. */
export type NestedArray = readonly (number | bigint | boolean | string | NestedArray | Exclude<TensorArray, string[]>)[]

/** Values that operations take as tensors: a tensor of onnsight or of another library, a number, nested arrays, a typed array. */
export type TensorLike =
  | Tensor
  | number
  | bigint
  | boolean
  | NestedArray
  | Exclude<TensorArray, string[]>
  | ForeignTensor

/**
 * Converts a value to a tensor. Numbers and arrays take `type` where it is given; else numbers become float32, bigints int64, booleans
 * bool, and a typed array keeps its dtype.
 * @throws ArgumentError for ragged arrays; DtypeError for a number that the dtype can't hold
 */
export function toTensor(value: TensorLike, { type }: { type?: DataType | undefined } = {}): Tensor {
  if (value instanceof Tensor) return value
  refuseForeign(value)
  const foreign = fromForeign(value)
  if (foreign) return foreign
  if (type !== undefined && !isHeld(type))
    return toTensor(value, { type: isInteger(type) ? 'int32' : 'float32' }).to(type)
  if (ArrayBuffer.isView(value) || isFloat16Array(value)) return fromTyped(value, type)
  const dims = dimsOf(value)
  const flat: (number | bigint | boolean | string)[] = []
  flatten(value as NestedArray, dims, 0, flat)
  return Tensor.of(fill(flat, dims, type ?? guess(flat)))
}

function fromTyped(array: ArrayBufferView, type: HeldType | undefined): Tensor {
  const own = typeOfArray(array)
  const data = isFloat16Array(array)
    ? new Uint16Array(array.buffer, array.byteOffset, array.length)
    : (array as unknown as TensorArray)
  // The array is copied, because the caller may write into it later.
  if (type === undefined || type === own)
    return Tensor.of({ type: own, dims: [data.length], data: data.slice() as TensorArray })
  const values =
    own === 'float16' ? Array.from(array as unknown as Iterable<number>) : Array.from(data as Iterable<number | bigint>)
  return Tensor.of(fill(values, [data.length], type))
}

function typeOfArray(array: ArrayBufferView): HeldType {
  if (isFloat16Array(array)) return 'float16'
  const name = array.constructor.name.replace('Clamped', '')
  const types: Readonly<Record<string, HeldType>> = {
    BigInt64Array: 'int64',
    BigUint64Array: 'uint64',
    Buffer: 'uint8',
  }
  const type = types[name] ?? (name.replace('Array', '').toLowerCase() as HeldType)
  if (!isHeld(type))
    throw new ArgumentError(
      `A ${name} can't be made into a tensor.`,
      currentPosition(),
      'pass a typed array or nested arrays',
    )
  return type
}

/** Whether a value is a Float16Array: JavaScript's own, which Node has from version 24 on, or that of @petamoriken/float16. */
const isFloat16Array = (value: unknown): value is Float16Array =>
  isOwnFloat16Array(value) || Object.prototype.toString.call(value) === '[object Float16Array]'

/** Whether a value is a row of elements: an array or a typed array. */
const isList = (value: unknown): value is ArrayLike<unknown> & Iterable<unknown> =>
  Array.isArray(value) || isFloat16Array(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))

function dimsOf(value: unknown): number[] {
  const dims: number[] = []
  for (let at = value; isList(at); at = at[0]) dims.push(at.length)
  return dims
}

function flatten(
  value: unknown,
  dims: readonly number[],
  depth: number,
  into: (number | bigint | boolean | string)[],
): void {
  if (depth === dims.length) {
    if (isList(value) || !/^(number|bigint|boolean|string)$/.test(typeof value)) {
      throw notAnElement(value, depth)
    }
    into.push(value as number)
    return
  }
  if (!isList(value) || value.length !== dims[depth]) {
    const found = isList(value) ? `${value.length} elements` : 'no array'
    throw new ArgumentError(
      `The nested arrays are ragged: a row at depth ${depth} has ${found}, but the first has ${dims[depth]}.`,
      currentPosition(),
      'give every row the same length',
    )
  }
  for (const item of value) flatten(item, dims, depth + 1, into)
}

function notAnElement(value: unknown, depth: number): ArgumentError {
  const where = depth === 0 ? '' : ' among the elements'
  const error = (what: string, fix: string) =>
    new ArgumentError(`A tensor can't be made of ${what}.`, currentPosition(), fix)
  if (isList(value)) return error('arrays of different depth', 'give every row the same length and depth')
  if (value instanceof Promise) return error(`a promise${where}`, 'await it first')
  if (value instanceof Tensor) return error(`tensors${where}`, 'join them: stack([a, b]) or cat([a, b])')
  const what =
    value === null || value === undefined
      ? String(value)
      : `${/^[aeiou]/.test(typeof value) ? 'an' : 'a'} ${typeof value}`
  return error(`${what}${where}`, 'pass a number, nested arrays of numbers, a typed array or a tensor')
}

function guess(flat: readonly unknown[]): HeldType {
  const kinds = new Set(flat.map(item => typeof item))
  if (kinds.has('string')) return 'string'
  if (kinds.has('bigint') && !kinds.has('number')) return 'int64'
  return kinds.size === 1 && kinds.has('boolean') ? 'bool' : 'float32'
}

function fill(
  flat: readonly (number | bigint | boolean | string)[],
  dims: readonly number[],
  type: HeldType,
): TensorData {
  const data = allocate(type, flat.length)
  const halves = type === 'float16' ? new Float16Array((data as Uint16Array).buffer as ArrayBuffer) : undefined
  for (let i = 0; i < flat.length; i++) {
    const value = checked(flat[i], type)
    if (halves) halves[i] = value as number
    else (data as unknown[])[i] = value
  }
  return { type, dims, data }
}

const ranges: Readonly<Record<string, readonly [number | bigint, number | bigint]>> = {
  int64: [-(1n << 63n), (1n << 63n) - 1n],
  uint64: [0n, (1n << 64n) - 1n],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
}

function checked(value: number | bigint | boolean | string, type: HeldType): number | bigint | string {
  if (type === 'string') return String(value)
  if (typeof value === 'string')
    throw new DtypeError(`The text ${JSON.stringify(value)} is not a number, and ${type} is needed.`, currentPosition())
  if (type === 'bool') return value ? 1 : 0
  if (isFloat(type)) return Number(value)
  const number = Number(value)
  const range = ranges[type]
  if (!Number.isInteger(number))
    throw new DtypeError(
      `${value} is not an integer, and ${type} is needed.`,
      currentPosition(),
      'round it first, or use a float type',
    )
  const whole = typeof value === 'boolean' ? number : value
  if (range && (whole < range[0] || whole > range[1])) {
    const fix = `give a number from ${range[0]} to ${range[1]}, or use a wider type`
    throw new DtypeError(`${value} does not fit into ${type}.`, currentPosition(), fix)
  }
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    const fix = `write a bigint: ${BigInt(value)}n, or the digits that you meant`
    throw new DtypeError(
      `${value} is beyond 2^53, and above that JavaScript numbers can't hold every integer.`,
      currentPosition(),
      fix,
    )
  }
  return isBigInt(type) ? BigInt(value) : number
}
