import { DtypeError } from '../../../errors/tensor.ts'
import type { Attributes, Dims } from '../../../graph/expression.ts'
import { currentPosition } from '../../current-position.ts'
import { type DataType, isFloat } from '../../dtypes/dtype.ts'
import { elementType } from '../../dtypes/element-type.ts'
import { dimsOf, recordOne, type Tensor } from '../../tensor.ts'

/**
 * Dtypes for which onnxruntime's CPU kernels have no arithmetic, with the wider dtype that is used instead. onnxruntime casts float16
 * itself.
 */
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

/** Returns a dtype for which the kernels have arithmetic, and which holds all numbers of this one. */
export function kernelType(type: DataType): DataType {
  return wider[type] ?? type
}

/** Records an arithmetic node on inputs of one dtype, which the result has too. */
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

/** Records a node whose result is bool. */
export function predicate(opType: string, inputs: readonly Tensor[], dims: Dims | undefined): Tensor {
  const inner = kernelType(inputs[0].type)
  return recordOne(
    opType,
    inputs.map(input => castTo(input, inner)),
    { type: 'bool', dims },
  )
}

/** Converts integers and bools to float32, for functions of real numbers, as in PyTorch. */
export function asFloat(tensor: Tensor): Tensor {
  return isFloat(tensor.type) ? tensor : castTo(tensor, 'float32')
}

/** Records a function of real numbers with one input. */
export function real(opType: string, input: Tensor, attributes: Attributes = {}): Tensor {
  const tensor = asFloat(input)
  return arithmetic(opType, [tensor], dimsOf(tensor), attributes)
}
