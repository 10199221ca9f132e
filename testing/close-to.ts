import { AssertionError } from 'node:assert'
import { ArgumentError, showDims } from '../runtime/errors/tensor.ts'
import { Tensor } from '../runtime/index.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { stateOf } from '../runtime/tensor/tensor.ts'
import { compare } from './compare.ts'
import { type Elements, elementsOf } from './elements.ts'
import { type Expected, expectedElements } from './expected.ts'
import { describeSide, report } from './report.ts'
import { type ToleranceOptions, toleranceOf } from './tolerance.ts'

const ONLY_VALUES = '\n  Do this: closeTo(actual, expected, { checkType: false }), to compare only the values'

/** Options of `closeTo()`. */
export interface CloseToOptions extends ToleranceOptions {
  /** Whether NaN is close to NaN. @default false */
  readonly equalNaN?: boolean
  /** Whether the dtypes must be the same. If false, the looser of both dtypes' tolerances applies. @default true */
  readonly checkType?: boolean
  /** How many differences the message lists, from 0. @default 8 */
  readonly most?: number
}

/**
 * Passes if `actual` has the dims and the dtype of `expected`, and each element is close: |actual - expected| <= atol + rtol * |expected|,
 * as in NumPy's `isclose`. The defaults depend on the dtype, as in torch.testing.assert_close: float32 has rtol 1.3e-6 and atol 1e-5, float16
 * 1e-3 and 1e-5, bfloat16 1.6e-2 and 1e-5, float64 1e-7 and 1e-7. Integers, bool and text must be equal. An infinity is close only to itself.
 * @param actual a tensor of any dims and dtype, with a value
 * @param expected what to compare with; numbers and nested arrays take the dtype of `actual`
 *
 * @example closeTo(logits, expected, { rtol: 1e-4 })
 * @throws AssertionError of node:assert if the tensors differ, with the differences; NotComputedError or NotSavedError if a tensor has no
 * value; ArgumentError or DtypeError for wrong arguments
 */
export function closeTo(actual: Tensor, expected: Expected, options: CloseToOptions = {}): void {
  const message = differenceOf(actual, expected, options)
  // With the operator 'fail', test runners show only the message, without a diff of two whole tensors.
  if (message !== undefined) throw new AssertionError({ message, operator: 'fail', stackStartFn: closeTo })
}

/** Compares like `closeTo` and returns the message about the differences; undefined if there are none. @throws the errors of `closeTo`, except AssertionError */
export function differenceOf(
  actual: Tensor,
  expected: Expected,
  passedOptions: CloseToOptions = {},
): string | undefined {
  const known = knownOptions('closeTo()', passedOptions, ['rtol', 'atol', 'precision', 'equalNaN', 'checkType', 'most'])
  const { equalNaN = false, checkType = true, most = 8, ...options } = known
  if (!(actual instanceof Tensor)) throw notATensor(actual)
  if (!Number.isSafeInteger(most) || most < 0)
    throw new ArgumentError(`closeTo: most is ${most}.`, undefined, 'pass how many differences to list, from 0')
  const left = elementsOf(stateOf(actual).data())
  const right = expectedElements(expected, left.type)
  const tolerance = toleranceOf([left.type, right.type], options)
  if (showDims(left.dims) !== showDims(right.dims))
    return `Dims differ: ${describeSide(left)}, expected ${describeSide(right)}.`
  if (left.type !== right.type && (checkType || left.type === 'string' || right.type === 'string'))
    return `Dtypes differ: ${describeSide(left)}, expected ${describeSide(right)}.${checkType ? ONLY_VALUES : ''}`
  const isMixed = left.type !== right.type
  const comparison = compare(isMixed ? asNumbers(left) : left, isMixed ? asNumbers(right) : right, {
    tolerance,
    equalNaN,
    most,
  })
  return comparison.count === 0 ? undefined : report(comparison, left, tolerance)
}

/** Converts booleans to 0 and 1, to compare them with another dtype. */
function asNumbers(elements: Elements): Elements {
  return elements.type === 'bool' ? { ...elements, at: i => Number(elements.at(i)) } : elements
}

function notATensor(value: unknown): ArgumentError {
  const what =
    value instanceof Promise ? 'a promise' : value === null ? 'null' : `not a tensor, but of type ${typeof value}`
  return new ArgumentError(
    `closeTo: the first argument is ${what}.`,
    undefined,
    value instanceof Promise ? 'await it first' : 'pass the tensor to test first, and then what is expected',
  )
}
