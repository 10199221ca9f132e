import test from 'ava'
import fc from 'fast-check'
import { Tensor } from 'onnsight'
import type { DataType } from '#dist/runtime/tensor/dtypes/dtype.js'
import { operators } from '#dist/runtime/tensor/operators.js'
import { stateOf } from '#dist/runtime/tensor/tensor.js'
import { type NestedArray, toTensor } from '#dist/runtime/tensor/values/convert.js'
import { broadcastDims, promoteTypes } from '#dist/runtime/tensor/values/promote.js'

const types: DataType[] = ['float32', 'float64', 'float16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool']
const someType = fc.constantFrom(...types)
const someDims = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 })

function filled(type: DataType, dims: readonly number[], seed = 1): Tensor {
  const size = dims.reduce((a, b) => a * b, 1)
  const flat = Array.from({ length: size }, (_, i) => ((i * 7 + seed) % 5) + 1)
  const { data, type: held } = stateOf(toTensor(flat, { type })).data()
  return Tensor.of({ type: held, dims, data })
}

/** Dims that broadcast with `dims`. */
const partner = (dims: readonly number[]): fc.Arbitrary<number[]> =>
  fc
    .tuple(fc.nat(dims.length), fc.array(fc.boolean(), { minLength: dims.length, maxLength: dims.length }))
    .map(([skip, ones]) => dims.map((dim, i) => (ones[i] ? 1 : dim)).slice(skip))

test('recorded dims and dtypes of binary operations are those that come out', async t => {
  const pair = someDims.chain(dims => fc.tuple(fc.constant(dims), partner(dims)))
  await fc.assert(
    fc.asyncProperty(
      pair,
      someType,
      someType,
      fc.constantFrom('add', 'mul', 'lt', 'maximum'),
      fc.boolean(),
      async ([a, b], s, u, method, swap) => {
        const [x, y] = swap ? [filled(u, b), filled(s, a)] : [filled(s, a), filled(u, b)]
        const result = x[method as 'add'](y)
        const [dims, type] = [result.dims, result.type]
        const value = await result.value()
        t.deepEqual([...value.dims], [...dims])
        t.is(value.type, type)
        t.is((value.data as ArrayLike<unknown>).length, value.size)
      },
    ),
    { numRuns: 150 },
  )
})

test('recorded dims of reductions are those that come out', async t => {
  const reduction = someDims
    .filter(dims => dims.length > 0)
    .chain(dims =>
      fc.tuple(
        fc.constant(dims),
        fc.subarray(
          dims.map((_, i) => i),
          { minLength: 1 },
        ),
        fc.boolean(),
        fc.boolean(),
      ),
    )
  const methods = fc.constantFrom('sum', 'mean', 'amax', 'any', 'std', 'logsumexp')
  await fc.assert(
    fc.asyncProperty(reduction, methods, async ([dims, axes, keepdim, fromBack], method) => {
      const list = fromBack ? axes.map(axis => axis - dims.length) : axes
      const result = filled('float32', dims)[method as 'sum'](list, { keepdim })
      const predicted = result.dims
      t.deepEqual([...(await result.value()).dims], [...predicted])
    }),
    { numRuns: 80 },
  )
})

test('matmul recorded dims are those that come out', async t => {
  const shapes = fc.tuple(
    someDims.map(dims => dims.slice(0, 2)),
    ...[1, 2, 3].map(() => fc.integer({ min: 1, max: 4 })),
    fc.constantFrom(0, 1, 2),
  )
  await fc.assert(
    fc.asyncProperty(shapes, async ([batch, m, k, n, vector]) => {
      const a = vector === 1 ? [k] : [...batch, m, k]
      const b = vector === 2 ? [k] : [k, n]
      const result = filled('float32', a).matmul(filled('float32', b))
      const predicted = result.dims
      t.deepEqual([...(await result.value()).dims], [...predicted])
    }),
    { numRuns: 60 },
  )
})

test('dtypes promote the same either way round, and to one that both reach', t => {
  fc.assert(
    fc.property(someType, someType, someType, (a, b, c) => {
      t.is(promoteTypes(a, b), promoteTypes(b, a))
      t.is(promoteTypes(a, a), a)
      t.is(promoteTypes(promoteTypes(a, b), b), promoteTypes(a, b))
      // This does not hold for these types: uint8 and int8 give int16 in any order.
      if (a !== 'uint8' && b !== 'uint8' && c !== 'uint8')
        t.is(promoteTypes(promoteTypes(a, b), c), promoteTypes(a, promoteTypes(b, c)))
    }),
  )
})

test('broadcasting an unknown dim keeps what is known', t => {
  t.deepEqual(broadcastDims('add', [undefined, 4], [3, 1]), [3, 4])
  t.deepEqual(broadcastDims('add', [undefined], [1]), [undefined])
  t.is(broadcastDims('add', undefined, [1]), undefined)
})

test('nested arrays come back as they went in', t => {
  const nested = someDims.chain(dims => {
    const build = (axis: number): fc.Arbitrary<unknown> =>
      axis === dims.length
        ? fc.integer({ min: -1000, max: 1000 })
        : fc.array(build(axis + 1), { minLength: dims[axis], maxLength: dims[axis] })
    return build(0)
  })
  fc.assert(
    fc.property(
      nested,
      fc.constantFrom<DataType>('float32', 'float64', 'int64', 'int32', 'int16', 'float16'),
      (value, type) => {
        t.deepEqual(toTensor(value as NestedArray, { type }).tolist(), value as never)
      },
    ),
  )
})

test('operators on anything but tensors are those of JavaScript', t => {
  const anything = fc.oneof(fc.double(), fc.string(), fc.boolean(), fc.constant(null), fc.constant(undefined))
  fc.assert(
    fc.property(anything, anything, (a, b) => {
      const x = a as number
      const y = b as number
      t.is(operators.add(x, y), x + y)
      t.is(operators.sub(x, y), x - y)
      t.is(operators.lt(x, y), x < y)
      t.is(operators.eq(x, y), x === y)
      t.is(operators.ne(x, y), x !== y)
    }),
  )
})

test('a number stands on either side of a tensor', async t => {
  const x = toTensor([1, 2, 4])
  const value = async (tensor: unknown): Promise<unknown> => (await (tensor as Tensor).value()).tolist()
  t.deepEqual(await value(operators.sub(10, x)), [9, 8, 6])
  t.deepEqual(await value(operators.div(8, x)), [8, 4, 2])
  t.deepEqual(await value(operators.pow(2, x)), [2, 4, 16])
  t.deepEqual(await value(operators.mod(5, x)), [0, 1, 1])
  t.deepEqual(await value(operators.lt(2, x)), [false, false, true])
  t.deepEqual(await value(operators.looseEq(x, 2)), [false, true, false])
  t.is(operators.eq(x, null), false)
  t.is(operators.ne(x, undefined), true)
  t.is(operators.eq(x, x.neg()) instanceof Tensor, true)
})
