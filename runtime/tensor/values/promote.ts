import { ShapeError, showDims } from '../../errors/tensor.ts'
import type { Dim, Dims } from '../../graph/expression.ts'
import { currentPosition } from '../current-position.ts'
import { type DataType, isFloat, isInteger } from '../dtypes/dtype.ts'
import { dimsOf, Tensor } from '../tensor.ts'
import { type TensorLike, toTensor } from './convert.ts'

const category = (type: DataType): number => (type === 'bool' ? 0 : isInteger(type) ? 1 : 2)

const floatOrder: readonly DataType[] = ['float16', 'float32', 'float64']
const widths: Readonly<Record<string, number>> = {
  int8: 8,
  int16: 16,
  int32: 32,
  int64: 64,
  uint8: 8,
  uint16: 16,
  uint32: 32,
  uint64: 64,
}

/** Returns the common dtype of two tensors, by the rules of torch.promote_types. */
export function promoteTypes(a: DataType, b: DataType): DataType {
  if (a === b) return a
  if (category(a) !== category(b)) return category(a) > category(b) ? a : b
  if (isFloat(a)) {
    if (a === 'bfloat16' || b === 'bfloat16') {
      const other = a === 'bfloat16' ? b : a
      return other === 'float16' ? 'float32' : other
    }
    return floatOrder[Math.max(floatOrder.indexOf(a), floatOrder.indexOf(b))]
  }
  const [unsigned, signed] = a.startsWith('u') ? [a, b] : [b, a]
  if (signed.startsWith('u') || !unsigned.startsWith('u')) return widths[a] > widths[b] ? a : b
  if (widths[signed] > widths[unsigned]) return signed
  return `int${Math.min(64, widths[unsigned] * 2)}` as DataType
}

/**
 * Converts two operands to one dtype. A number takes the tensor's dtype, unless that can't hold it; a tensor of rank 0 raises the other's
 * dtype only if its category (bool, integer, float) is higher.
 */
export function promote(a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  if (!(a instanceof Tensor)) {
    if (!(b instanceof Tensor)) return promote(toTensor(a), b)
    const [right, left] = promote(b, a)
    return [left, right]
  }
  if (typeof b === 'number' || typeof b === 'bigint' || typeof b === 'boolean') {
    const type = scalarType(a.type, b)
    return [a.to(type), toTensor(b, { type })]
  }
  const right = b instanceof Tensor ? b : toTensor(b, isNumeric(b) ? { type: arrayType(a.type, b) } : {})
  const type = resultType(a, right)
  return [a.to(type), right.to(type)]
}

function scalarType(type: DataType, value: number | bigint | boolean): DataType {
  if (typeof value === 'boolean') return type
  if (isFloat(type)) return type
  if (typeof value === 'number' && !Number.isInteger(value)) return 'float32'
  return type === 'bool' ? 'int64' : type
}

const isNumeric = (value: TensorLike): boolean => Array.isArray(value)

/** Returns the tensor's dtype if it can hold every element of a nested array. */
function arrayType(type: DataType, value: TensorLike): DataType | undefined {
  const flat = (value as unknown[]).flat(Number.POSITIVE_INFINITY) as unknown[]
  if (flat.every(item => typeof item === 'boolean')) return 'bool'
  if (isFloat(type)) return type
  return flat.every(item => typeof item === 'bigint' || Number.isInteger(item))
    ? type === 'bool'
      ? 'int64'
      : type
    : 'float32'
}

function resultType(a: Tensor, b: Tensor): DataType {
  const zero = (tensor: Tensor): boolean => dimsOf(tensor)?.length === 0
  if (zero(a) !== zero(b)) {
    const [full, scalar] = zero(a) ? [b, a] : [a, b]
    if (category(scalar.type) <= category(full.type)) return full.type
  }
  return promoteTypes(a.type, b.type)
}

/** Returns the dims of a result by NumPy's broadcasting. @throws ShapeError */
export function broadcastDims(operation: string, ...shapes: (Dims | undefined)[]): Dims | undefined {
  if (shapes.some(dims => dims === undefined)) return undefined
  const known = shapes as Dims[]
  const rank = Math.max(...known.map(dims => dims.length))
  const result: Dim[] = []
  for (let axis = 0; axis < rank; axis++) {
    let dim: Dim = 1
    for (const dims of known) {
      const own = axis < rank - dims.length ? 1 : dims[axis - rank + dims.length]
      if (own === 1 || own === dim) continue
      if (dim === 1 || (dim === undefined && own !== undefined)) dim = own
      else if (own !== undefined)
        throw new ShapeError(`${operation}: ${known.map(showDims).join(' and ')} do not broadcast`, currentPosition())
    }
    result.push(dim)
  }
  return result
}
