import { showDims } from '../../runtime/errors/tensor.ts'
import type { Tensor } from '../../runtime/index.ts'
import { sizeOf } from '../../runtime/tensor/dtypes/data.ts'
import { type DataType, isBigInt, isFloat, isHeld } from '../../runtime/tensor/dtypes/dtype.ts'
import { stateOf, Tensor as Tensors } from '../../runtime/tensor/tensor.ts'
import { type NestedArray, toTensor } from '../../runtime/tensor/values/convert.ts'
import { CommandError } from '../shared/errors.ts'

/** A tensor as `onnsight run` writes it. */
interface Labelled {
  readonly type?: unknown
  readonly dims?: unknown
  readonly data: unknown
}

/**
 * A tensor of the dtype, from nested arrays or from what `onnsight run --json` prints. Numbers that JSON lacks stand as text: "NaN",
 * "Infinity", and integers beyond 2^53 with all their digits.
 * @throws CommandError, and the errors of toTensor for ragged arrays and numbers that the dtype can't hold
 */
export function tensorFromJson(json: unknown, type: string): Tensor {
  const wanted = type as DataType
  if (!isHeld(wanted)) throw new CommandError(`JSON can't give a ${type}.`, 'give the input as a .safetensors file')
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return nested(json, wanted)
  const { type: own, dims, data } = json as Labelled
  if (data === undefined)
    throw new CommandError('An object stands where numbers are due.', 'give nested arrays, or {"dims": …, "data": …}')
  if (own !== undefined && own !== type)
    throw new CommandError(`It is labelled ${String(own)}, and ${type} is due.`, `give it as ${type}`)
  const tensor = nested(data, wanted)
  return dims === undefined ? tensor : withDims(tensor, dims)
}

function nested(json: unknown, type: DataType): Tensor {
  return toTensor(converted(json, type) as NestedArray, { type })
}

/** An array of no elements does not tell all its dims. */
function withDims(tensor: Tensor, dims: unknown): Tensor {
  const held = stateOf(tensor).data()
  const isDims = Array.isArray(dims) && dims.every(dim => Number.isSafeInteger(dim) && dim >= 0)
  if (isDims && (String(dims) === String(held.dims) || (sizeOf(dims) === 0 && held.data.length === 0)))
    return Tensors.of({ ...held, dims: dims as number[] })
  throw new CommandError(
    `It says dims ${JSON.stringify(dims)}, and its data has ${showDims(held.dims)}.`,
    'leave the dims out, or correct them',
  )
}

function converted(json: unknown, type: DataType): unknown {
  if (Array.isArray(json)) return json.map(item => converted(item, type))
  if (typeof json === 'string' && type !== 'string') return numberOf(json, type)
  if (type === 'bool' && json !== true && json !== false && json !== 0 && json !== 1)
    throw new CommandError(`${JSON.stringify(json)} stands where a bool is due.`, 'give true or false, or 1 or 0')
  if (type === 'string' && typeof json !== 'string')
    throw new CommandError(`${JSON.stringify(json)} stands where a text is due.`, 'put it in quotes')
  return json
}

function numberOf(text: string, type: DataType): number | bigint {
  if (isFloat(type) && /^(?:NaN|-?Infinity)$/.test(text)) return Number(text)
  if (isBigInt(type) && /^-?\d+$/.test(text)) return BigInt(text)
  throw new CommandError(`The text ${JSON.stringify(text)} stands where ${type} is due.`, 'give a number')
}
