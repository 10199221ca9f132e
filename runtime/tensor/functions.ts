/** The operations that are functions rather than methods of `Tensor`. */

export * from './creation/creation.ts'
export { where } from './ops/comparison.ts'
export { einsum } from './ops/einsum.ts'
export { detach, grad } from './ops/gradient.ts'
export { cat, stack } from './ops/join.ts'
export { jvp } from './ops/jvp.ts'
