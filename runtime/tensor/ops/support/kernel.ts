import { DtypeError } from '../../../errors/tensor.ts'
import type { Attributes, Dims } from '../../../graph/expression.ts'
import { currentPosition } from '../../current-position.ts'
import { type DataType, isFloat } from '../../dtypes/dtype.ts'
import { elementType } from '../../dtypes/element-type.ts'
import { dimsOf, recordOne, type Tensor } from '../../tensor.ts'

/** Types that onnxruntime's CPU kernels lack for arithmetic are computed in a wider one; it casts float16 by itself. */
const wider: Partial<Record<DataType, DataType>> = {
  int8: 'int32',
  uint8: 'int32',
  int16: 'int32',
  uint16: 'int32',
  uint32: 'int64',
  uint64: 'int64',
  bool: 'int32',
  bfloat16: 'float32',
}

export function castTo(tensor: Tensor, type: DataType): Tensor {
  if (tensor.type === type) return tensor
  if (tensor.type === 'string') throw new DtypeError(`Text can't become ${type}.`, currentPosition(), 'use numbers')
  return recordOne('Cast', [tensor], { type, dims: dimsOf(tensor) }, { to: { int: elementType(type) } })
}

/** The inputs' common dtype, made one that the kernels have. */
export function kernelType(type: DataType): DataType {
  return wider[type] ?? type
}

/** An arithmetic node on inputs of one dtype; the result has it too. */
export function arithmetic(
  opType: string,
  inputs: readonly Tensor[],
  dims: Dims | undefined,
  attributes: Attributes = {},
): Tensor {
  const { type } = inputs[0]
  const inner = kernelType(type)
  return castTo(
    recordOne(
      opType,
      inputs.map(input => castTo(input, inner)),
      { type: inner, dims },
      attributes,
    ),
    type,
  )
}

/** A node that gives bools. */
export function predicate(opType: string, inputs: readonly Tensor[], dims: Dims | undefined): Tensor {
  const inner = kernelType(inputs[0].type)
  return recordOne(
    opType,
    inputs.map(input => castTo(input, inner)),
    { type: 'bool', dims },
  )
}

/** Functions of real numbers: integers and bools are computed as float32, as in PyTorch. */
export function asFloat(tensor: Tensor): Tensor {
  return isFloat(tensor.type) ? tensor : castTo(tensor, 'float32')
}

/** A one-input function of real numbers. */
export function real(opType: string, input: Tensor, attributes: Attributes = {}): Tensor {
  const tensor = asFloat(input)
  return arithmetic(opType, [tensor], dimsOf(tensor), attributes)
}
