import type { Tensor } from '../../runtime/tensor/tensor.ts'

/** Computes a small tensor of numbers. */
export const numbers = async (tensor: Tensor): Promise<number[]> => (await tensor.value()).tolist() as number[]
