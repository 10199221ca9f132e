import { AssertionError } from 'node:assert'
import test from 'ava'
import { full, load, type Tensor, tensor } from 'onnsight'
import { type CloseToOptions, closeTo, type Expected } from 'onnsight/testing'
import { save, trace } from 'onnsight/trace.macro'

/** The message with which closeTo fails; undefined if it passes. */
function failure(actual: Tensor, expected: Expected, options?: CloseToOptions): string | undefined {
  try {
    closeTo(actual, expected, options)
    return undefined
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error
    return error.message
  }
}

const half = (values: number[]) => tensor(values, { type: 'float16' })

const failing: Record<string, readonly [Tensor, Expected, CloseToOptions?]> = {
  'one element of a matrix': [
    tensor([
      [1, 2, 3],
      [4, 5.5, 6],
    ]),
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  ],
  'more elements than are listed': [full([4, 5], 1), full([4, 5], 2), { most: 3 }],
  'one of very many': [full([30_000], 1), tensor([7, ...new Array<number>(29_999).fill(1)])],
  dims: [tensor([[1, 2]]), [1, 2]],
  'a number is of rank 0': [tensor([1]), 1],
  dtype: [tensor([1, 2], { type: 'int32' }), tensor([1, 2])],
  'NaN on one side': [tensor([Number.NaN, 1, 2]), [0, 1, 3]],
  'NaN on both sides': [tensor([Number.NaN, 1]), [Number.NaN, 1]],
  'infinities of other signs': [tensor([Infinity, -Infinity, 5]), [-Infinity, -Infinity, Infinity]],
  'int64 beyond 2^53': [
    tensor([9007199254740993n, -1n], { type: 'int64' }),
    tensor([9007199254740992n, -1n], { type: 'int64' }),
  ],
  bool: [tensor([true, false, true]), [true, true, true]],
  string: [tensor(['a', 'b\n'], { type: 'string' }), ['a', 'c']],
  'rank 0': [tensor(2.5), 2.75],
  float16: [half([1, 2, 0.1]), [1.01, 2.001, 0.1001]],
  'a float16 that has overflowed': [half([1e9]), [1e9]],
  'expected 0: there is no relative difference': [tensor([1e-3]), [0]],
  'a tolerance of one’s own': [tensor([1, 2]), [1.2, 2], { rtol: 0.1, atol: 0.01 }],
}

for (const [name, [actual, expected, options]] of Object.entries(failing)) {
  test(`fails: ${name}`, t => {
    const message = failure(actual, expected, options)
    t.truthy(message)
    t.snapshot(message)
  })
}

const passing: Record<string, readonly [Tensor, Expected, CloseToOptions?]> = {
  'the same': [tensor([[1, 2]]), tensor([[1, 2]])],
  'numbers that float32 rounds': [tensor([0.1, 1e-8]), [0.1, 1e-8], { rtol: 0, atol: 0 }],
  'numbers that float16 rounds': [half([0.1, 1.0005]), [0.1, 1.0005], { rtol: 0, atol: 0 }],
  'float32 up to 1.3e-6': [tensor([100]), [100.0001]],
  'float16 up to 1e-3': [half([1]), [1.0009765625]],
  'bfloat16 values, which arrive as float32': [tensor([1]), [1.015], { precision: 'bfloat16' }],
  'float64 up to 1e-7': [tensor([1], { type: 'float64' }), [1 + 1.5e-7]],
  'infinities of one sign': [tensor([Infinity, -Infinity]), [Infinity, -Infinity]],
  'NaN, where it is asked for': [tensor([Number.NaN]), [Number.NaN], { equalNaN: true }],
  'a typed array': [tensor([1, 2]), new Float32Array([1, 2])],
  'a typed array with dims': [tensor([[1], [2]]), { data: new Float32Array([1, 2]), dims: [2, 1] }],
  'a flat array with dims': [tensor([[1], [2]], { type: 'int64' }), { data: [1, 2n], dims: [2, 1] }],
  'bytes for bool': [tensor([true, false]), new Uint8Array([1, 0])],
  'numbers for int64': [tensor([1n, 2n], { type: 'int64' }), [1, 2]],
  'other dtypes, if values alone count': [tensor([1, 2], { type: 'int64' }), tensor([1, 2]), { checkType: false }],
  'bool and numbers, if values alone count': [tensor([true, false]), tensor([1, 0]), { checkType: false }],
  'the looser tolerance of two dtypes': [half([1]), tensor([1.0009]), { checkType: false }],
  'text that stands for itself': [tensor(['a'], { type: 'string' }), ['a']],
  'rank 0 and a number': [tensor(3), 3],
  'no elements': [full([0, 3], 1), { data: [], dims: [0, 3] }],
  'integers with a tolerance': [tensor([10, -3], { type: 'int8' }), [11, -3], { atol: 1 }],
  'int64 with a tolerance': [tensor([100n], { type: 'int64' }), [101n], { rtol: 0.01 }],
}

for (const [name, [actual, expected, options]] of Object.entries(passing)) {
  test(`passes: ${name}`, t => {
    t.is(failure(actual, expected, options), undefined)
  })
}

test('tensors without elements are close only if their dims are equal', t => {
  t.regex(
    failure(full([0, 3], 1), { data: [], dims: [3, 0] }) ?? '',
    /Dims differ: float32 \[0, 3\], expected float32 \[3, 0\]/,
  )
})

const refused: Record<string, readonly [() => void, RegExp]> = {
  'a promise': [() => closeTo(Promise.resolve() as never, 1), /is a promise.\n {2}Do this: await it first/],
  'a value that is not a tensor': [() => closeTo([1] as never, [1]), /first argument is not a tensor/],
  'a negative tolerance': [() => closeTo(tensor(1), 1, { rtol: -1 }), /rtol is -1/],
  'an infinite tolerance': [() => closeTo(tensor(1), 1, { atol: Infinity }), /atol is Infinity/],
  'a tolerance for bool': [() => closeTo(tensor([true]), [true], { atol: 1 }), /bool is compared exactly/],
  'an unknown precision': [
    () => closeTo(tensor(1), 1, { precision: 'int8' }),
    /no default tolerance for the precision int8/,
  ],
  'elements that do not fill the dims': [() => closeTo(tensor([1]), { data: [1], dims: [2] }), /do not fill \[2\]/],
  'nothing expected': [() => closeTo(tensor([1]), undefined as never), /A tensor can't be made of undefined/],
  'null expected': [() => closeTo(tensor([1]), null as never), /the expected value is null/],
  'a ragged array': [() => closeTo(tensor([1]), [[1], [1, 2]]), /ragged/],
  'a fraction where integers are': [
    () => closeTo(tensor([1], { type: 'int8' }), [1.5]),
    /1.5 is not an integer, and int8 is needed/,
  ],
  'a negative number of differences': [() => closeTo(tensor(1), 1, { most: -1 }), /most is -1/],
}

for (const [name, [call, message]] of Object.entries(refused)) {
  test(`refused: ${name}`, t => {
    const error = t.throws(call)
    t.false(error instanceof AssertionError)
    t.regex(error?.message ?? '', message)
    t.regex(error?.message ?? '', /Do this: /)
  })
}

test('a tensor without a value throws the library’s own error, not an AssertionError', async t => {
  const model = await load('examples/models/chars.onnx')
  let unsaved!: Tensor
  let saved!: Tensor
  await trace(model, [[1, 2]], () => {
    unsaved = model.transformer.h[0].output
    saved = save(model.lm_head.output)
  })
  t.throws(() => closeTo(unsaved, saved), { code: 'not-saved' })
  t.throws(() => closeTo(saved, unsaved), { code: 'not-saved' })
  t.throws(() => closeTo(saved.mul(2), saved), { code: 'not-computed' })
  t.notThrows(() => closeTo(saved, saved))
  await model.release()
})

test('the stack of the error begins at the caller’s line, and the error has no diff of the tensors', t => {
  const error = t.throws(() => closeTo(tensor(1), 2), { instanceOf: AssertionError })
  t.is(error.code, 'ERR_ASSERTION')
  t.regex(error.stack?.split('\n    at ')[1] ?? '', /close-to\.test\.ts/)
  t.is(error.actual, undefined)
})

test('iterating a tensor of rank 0, as toEqual does at the end, throws an error that says how to compare', async t => {
  for (const scalar of [
    tensor(3),
    await tensor([[1, 2]])
      .sum()
      .value(),
  ])
    t.throws(() => [...scalar], { code: 'index', message: /rank 0[\s\S]*closeTo\(a, b\)[\s\S]*tolist\(\)/ })
  t.is([...tensor([1, 2])].length, 2)
})
