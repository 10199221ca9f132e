import type { Tensor } from '../runtime/index.ts'
import { type CloseToOptions, differenceOf } from './close-to.ts'
import type { Expected } from './expected.ts'

/** What Jest and Vitest want to hear of a matcher. */
export interface MatcherResult {
  readonly pass: boolean
  /** Told where the outcome is not the wanted one: also for `expect(…).not`. */
  message(): string
}

/** The matchers as methods of `expect(…)`: what an augmentation of Jest's or Vitest's types extends. */
export interface TensorMatchers<R = unknown> {
  /** As `closeTo(tensor, expected, options)`. */
  toBeCloseToTensor(expected: Expected, options?: CloseToOptions): R
}

/**
 * For Jest and Vitest: `expect.extend(matchers)`, then `expect(tensor).toBeCloseToTensor(expected, options)`. A tensor without a value
 * throws what `closeTo` does, under `.not` too.
 */
export const matchers = {
  toBeCloseToTensor(received: Tensor, expected: Expected, options: CloseToOptions = {}): MatcherResult {
    const difference = differenceOf(received, expected, options)
    return {
      pass: difference === undefined,
      message: () => difference ?? 'Tensors are close, and are expected not to be.',
    }
  },
}
