import { constantTensor, Tensor } from '../tensor.ts'

/** Past every end: ONNX clamps it. */
export const MAX = (1n << 63n) - 1n
export const MIN = -(1n << 63n)

type Integers = readonly (number | bigint)[]

/** Numbers that the user may vary, bounds and positions: fed at run time, so that other numbers meet the same plan. */
export function int64Operand(values: Integers, dims: readonly number[] = [values.length]): Tensor {
  return Tensor.of({ type: 'int64', dims, data: pack(values) })
}

/** Numbers that are part of what is recorded: axes, a new shape. */
export function int64Constant(values: Integers, dims: readonly number[] = [values.length]): Tensor {
  return constantTensor({ type: 'int64', dims, data: pack(values) })
}

function pack(values: Integers): BigInt64Array {
  const data = new BigInt64Array(values.length)
  for (let i = 0; i < values.length; i++) data[i] = BigInt(values[i])
  return data
}
