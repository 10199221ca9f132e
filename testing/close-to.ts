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

const VALUES_ALONE = '\n  Do this: closeTo(actual, expected, { checkType: false }), if the values alone count'

export interface CloseToOptions extends ToleranceOptions {
  /** Whether NaN is close to NaN. @default false */
  readonly equalNaN?: boolean
  /** Whether the dtypes must be the same. If false, the looser of both dtypes' tolerances applies. @default true */
  readonly checkType?: boolean
  /** How many differences are listed. @default 8 */
  readonly most?: number
}

/**
 * Passes if `actual` has the dims and the dtype of `expected`, and each element is close: |actual - expected| <= atol + rtol * |expected|,
 * as in NumPy. The defaults go by dtype, as in torch.testing.assert_close: float32 rtol 1.3e-6 and atol 1e-5, float16 1e-3 and 1e-5,
 * bfloat16 1.6e-2 and 1e-5, float64 1e-7 and 1e-7; integers, bool and text are compared exactly. An infinity is close only to itself.
 *
 * @example closeTo(logits, expected, { rtol: 1e-4 })
 * @throws AssertionError of node:assert, which says what differs; NotComputedError, NotSavedError for a tensor without a value;
 * ArgumentError, DtypeError for wrong arguments
 */
export function closeTo(actual: Tensor, expected: Expected, options: CloseToOptions = {}): void {
  const message = differenceOf(actual, expected, options)
  // With the operator 'fail', test runners show only the message, without a diff of two whole tensors.
  if (message !== undefined) throw new AssertionError({ message, operator: 'fail', stackStartFn: closeTo })
}

/** The differences that a comparison found; undefined if there are none. @throws the errors of `closeTo`, except AssertionError */
export function differenceOf(actual: Tensor, expected: Expected, given: CloseToOptions = {}): string | undefined {
  const known = knownOptions('closeTo()', given, ['rtol', 'atol', 'precision', 'equalNaN', 'checkType', 'most'])
  const { equalNaN = false, checkType = true, most = 8, ...options } = known
  if (!(actual instanceof Tensor)) throw notATensor(actual)
  if (!Number.isSafeInteger(most) || most < 0)
    throw new ArgumentError(`closeTo: most is ${most}.`, undefined, 'give a number of differences to list, from 0')
  const left = elementsOf(stateOf(actual).data())
  const right = expectedElements(expected, left.type)
  const tolerance = toleranceOf([left.type, right.type], options)
  if (showDims(left.dims) !== showDims(right.dims))
    return `Dims differ: ${describeSide(left)}, expected ${describeSide(right)}.`
  if (left.type !== right.type && (checkType || left.type === 'string' || right.type === 'string'))
    return `Dtypes differ: ${describeSide(left)}, expected ${describeSide(right)}.${checkType ? VALUES_ALONE : ''}`
  const isMixed = left.type !== right.type
  const found = compare(isMixed ? asNumbers(left) : left, isMixed ? asNumbers(right) : right, {
    tolerance,
    equalNaN,
    most,
  })
  return found.count === 0 ? undefined : report(found, left, tolerance)
}

/** Where dtypes differ and values alone count, true is 1. */
function asNumbers(elements: Elements): Elements {
  return elements.type === 'bool' ? { ...elements, at: i => Number(elements.at(i)) } : elements
}

function notATensor(value: unknown): ArgumentError {
  const what =
    value instanceof Promise ? 'a promise' : value === null ? 'null' : `no tensor, but of type ${typeof value}`
  return new ArgumentError(
    `closeTo: the first argument is ${what}.`,
    undefined,
    value instanceof Promise ? 'await it first' : 'give the tensor that is tested first, and what is expected after it',
  )
}
