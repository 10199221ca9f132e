import { showDims } from '../../runtime/errors/tensor.ts'
import type { Tensor } from '../../runtime/index.ts'
import { sizeOf } from '../../runtime/tensor/dtypes/data.ts'
import { type DataType, isBigInt, isFloat, isHeld } from '../../runtime/tensor/dtypes/dtype.ts'
import { stateOf, Tensor as Tensors } from '../../runtime/tensor/tensor.ts'
import { type NestedArray, toTensor } from '../../runtime/tensor/values/convert.ts'
import { CommandError } from '../shared/errors.ts'

/** A tensor as `onnsight run --json` prints it. */
interface JsonTensor {
  readonly type?: unknown
  readonly dims?: unknown
  readonly data: unknown
}

/**
 * Makes a tensor of a dtype from nested arrays, or from what `onnsight run --json` prints. Numbers that JSON can't express are text: "NaN",
 * "Infinity", and integers beyond 2^53 with all their digits.
 * @throws CommandError, and the errors of toTensor for ragged arrays and numbers that the dtype can't hold
 */
export function tensorFromJson(json: unknown, type: string): Tensor {
  const dtype = type as DataType
  if (!isHeld(dtype)) throw new CommandError(`JSON can't give a ${type}.`, 'pass the input as a .safetensors file')
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return nested(json, dtype)
  const { type: statedType, dims, data } = json as JsonTensor
  if (data === undefined)
    throw new CommandError(
      'The value is an object without data, not numbers.',
      'pass nested arrays, or {"dims": …, "data": …}',
    )
  if (statedType !== undefined && statedType !== type)
    throw new CommandError(`Its type is ${String(statedType)}, but the model takes ${type}.`, `pass it as ${type}`)
  const tensor = nested(data, dtype)
  return dims === undefined ? tensor : withDims(tensor, dims)
}

function nested(json: unknown, type: DataType): Tensor {
  return toTensor(converted(json, type) as NestedArray, { type })
}

/** Gives a tensor the dims that the JSON states, because an empty array does not show all its dims. */
function withDims(tensor: Tensor, dims: unknown): Tensor {
  const own = stateOf(tensor).data()
  const isDims = Array.isArray(dims) && dims.every(dim => Number.isSafeInteger(dim) && dim >= 0)
  if (isDims && (String(dims) === String(own.dims) || (sizeOf(dims) === 0 && own.data.length === 0)))
    return Tensors.of({ ...own, dims: dims as number[] })
  throw new CommandError(
    `It states dims ${JSON.stringify(dims)}, but its data has ${showDims(own.dims)}.`,
    'leave the dims out, or correct them',
  )
}

function converted(json: unknown, type: DataType): unknown {
  if (Array.isArray(json)) return json.map(item => converted(item, type))
  if (typeof json === 'string' && type !== 'string') return numberOf(json, type)
  if (type === 'bool' && json !== true && json !== false && json !== 0 && json !== 1)
    throw new CommandError(`${JSON.stringify(json)} is not a bool.`, 'pass true or false, or 1 or 0')
  if (type === 'string' && typeof json !== 'string')
    throw new CommandError(`${JSON.stringify(json)} is not a text.`, 'put it in quotes')
  return json
}

function numberOf(text: string, type: DataType): number | bigint {
  if (isFloat(type) && /^(?:NaN|-?Infinity)$/.test(text)) return Number(text)
  if (isBigInt(type) && /^-?\d+$/.test(text)) return BigInt(text)
  throw new CommandError(`The text ${JSON.stringify(text)} is not a number, and ${type} is needed.`, 'pass a number')
}
