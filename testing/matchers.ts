import type { Tensor } from '../runtime/index.ts'
import { type CloseToOptions, differenceOf } from './close-to.ts'
import type { Expected } from './expected.ts'

/** The result that Jest and Vitest expect from a matcher. */
export interface MatcherResult {
  readonly pass: boolean
  /** Called for the message if the expectation fails, also with `expect(…).not`. */
  message(): string
}

/** The matchers as methods of `expect(…)`: what an augmentation of Jest's or Vitest's types extends. */
export interface TensorMatchers<R = unknown> {
  /** Passes if `closeTo(tensor, expected, options)` does. */
  toBeCloseToTensor(expected: Expected, options?: CloseToOptions): R
}

/**
 * For Jest and Vitest: `expect.extend(matchers)`, then `expect(tensor).toBeCloseToTensor(expected, options)`. A tensor without a value
 * throws the errors of `closeTo`, also under `.not`.
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
