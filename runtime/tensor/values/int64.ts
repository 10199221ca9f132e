import { constantTensor, Tensor } from '../tensor.ts'

/** An index past every end, which ONNX clamps. */
export const MAX = (1n << 63n) - 1n
export const MIN = -(1n << 63n)

type Integers = readonly (number | bigint)[]

/**
 * Makes an operand of numbers that the user may vary, such as bounds and positions. They are inputs at run time, so other numbers reuse the
 * same plan.
 */
export function int64Operand(values: Integers, dims: readonly number[] = [values.length]): Tensor {
  return Tensor.of({ type: 'int64', dims, data: pack(values) })
}

/** Makes a constant of numbers that belong to the recording, such as axes or a new shape. */
export function int64Constant(values: Integers, dims: readonly number[] = [values.length]): Tensor {
  return constantTensor({ type: 'int64', dims, data: pack(values) })
}

function pack(values: Integers): BigInt64Array {
  const data = new BigInt64Array(values.length)
  for (let i = 0; i < values.length; i++) data[i] = BigInt(values[i])
  return data
}
