import type { Tensor } from '../runtime/index.ts'
import { type CloseToOptions, differenceOf } from './close-to.ts'
import type { Expected } from './expected.ts'

/** The result that Jest and Vitest expect from a matcher. */
export interface MatcherResult {
  readonly pass: boolean
  /** Returns the message. The test runner calls it if the expectation fails, with or without `.not`. */
  message(): string
}

/** The matchers as methods of `expect(…)`. Extend Jest's or Vitest's own types with this one. */
export interface TensorMatchers<R = unknown> {
  /** Passes if `closeTo(tensor, expected, options)` does. @throws NotComputedError or NotSavedError if a tensor has no value; ArgumentError or DtypeError for wrong arguments */
  toBeCloseToTensor(expected: Expected, options?: CloseToOptions): R
}

/**
 * Matchers for Jest and Vitest: call `expect.extend(matchers)`, then `expect(tensor).toBeCloseToTensor(expected, options)`. The dtypes and
 * tolerances are those of `closeTo`.
 * @throws NotComputedError or NotSavedError for a tensor without a value, also with `.not`; ArgumentError or DtypeError for wrong arguments
 */
export const matchers = {
  toBeCloseToTensor(received: Tensor, expected: Expected, options: CloseToOptions = {}): MatcherResult {
    const difference = differenceOf(received, expected, options)
    return {
      pass: difference === undefined,
      message: () => difference ?? 'The tensors are close, but are expected not to be.',
    }
  },
}
