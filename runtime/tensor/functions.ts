/** Operations that are functions, not methods. */
export { where } from './ops/comparison.ts'
export { einsum } from './ops/einsum.ts'
export { cat, stack } from './ops/join.ts'
export * from './creation.ts'
