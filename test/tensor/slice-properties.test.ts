import test from 'ava'
import fc from 'fast-check'
import { arange, cat, type SliceSpec, s, Tensor, tensor } from 'onnsight'
import { normalise } from '#dist/runtime/graph/normalise.js'
import type { HeldType } from '#dist/runtime/tensor/dtypes/dtype.js'
import { recordOne, stateOf } from '#dist/runtime/tensor/tensor.js'
import { evaluateAt } from './lowered.ts'

const lengths = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })

/** A slice of ranges, indices and at most one list, and the places that it takes of each axis. */
interface Model {
  readonly entries: (string | number | number[])[]
  readonly chosen: number[][]
  readonly dims: number[]
}

const someRange = (size: number) =>
  fc
    .record({
      start: fc.option(fc.integer({ min: -size - 2, max: size + 2 }), { nil: undefined }),
      stop: fc.option(fc.integer({ min: -size - 2, max: size + 2 }), { nil: undefined }),
      step: fc.constantFrom(1, 1, 2, -1, -2),
    })
    .map(({ start, stop, step }) => {
      // Python's rule: walk in steps, and keep the places inside the axis.
      const at = (value: number): number => (value < 0 ? value + size : value)
      const first = start === undefined ? (step > 0 ? 0 : size - 1) : at(start)
      const places: number[] = []
      const begin = step > 0 ? Math.max(first, 0) : Math.min(first, size - 1)
      const isBefore = (place: number): boolean =>
        stop === undefined || (step > 0 ? place < at(stop) : place > Math.max(at(stop), -1))
      for (let place = begin; place >= 0 && place < size && isBefore(place); place += step) places.push(place)
      return { entry: `${start ?? ''}:${stop ?? ''}:${step}`, chosen: places, dims: [places.length] }
    })
const someIndex = (size: number) =>
  fc
    .integer({ min: -size, max: size - 1 })
    .map(index => ({ entry: index, chosen: [index < 0 ? index + size : index], dims: [] as number[] }))
const someList = (size: number) =>
  fc
    .uniqueArray(fc.integer({ min: 0, max: size - 1 }), { minLength: 1 })
    .map(list => ({ entry: list, chosen: list, dims: [list.length] }))

const someSlice = (dims: readonly number[]): fc.Arbitrary<Model> =>
  fc
    .nat(dims.length - 1)
    .chain(listed =>
      fc.tuple(
        ...dims.map((size, axis) =>
          axis === listed
            ? fc.oneof(someRange(size), someIndex(size), someList(size))
            : fc.oneof(someRange(size), someIndex(size)),
        ),
      ),
    )
    .map(items => ({
      entries: items.map(item => item.entry) as Model['entries'],
      chosen: items.map(item => item.chosen),
      dims: items.flatMap(item => item.dims),
    }))

const sliced = lengths.chain(dims => fc.tuple(fc.constant(dims), someSlice(dims)))
const numbers = (dims: readonly number[]): Tensor => {
  const size = dims.reduce((a, b) => a * b, 1)
  return Tensor.of({ type: 'float32', dims, data: Float32Array.from({ length: size }, (_, i) => i) })
}
const elements = async (x: Tensor): Promise<number[]> => Array.from((await x.value()).data as Float32Array)

/** The places of the elements that the slice takes, in its order. */
function placesIn(dims: readonly number[], chosen: readonly number[][]): number[] {
  return chosen.reduce<number[]>(
    (places, own, axis) => places.flatMap(place => own.map(at => place * dims[axis] + at)),
    [0],
  )
}

test('a slice takes what a plain reading of NumPy’s rules takes', async t => {
  await fc.assert(
    fc.asyncProperty(sliced, async ([dims, { entries, chosen, dims: expected }]) => {
      const part = numbers(dims).slice(entries)
      t.deepEqual([...part.dims], expected)
      t.deepEqual(await elements(part), placesIn(dims, chosen))
    }),
    { numRuns: 200 },
  )
})

test('what was assigned is read back, and nothing else has changed', async t => {
  await fc.assert(
    fc.asyncProperty(sliced, fc.boolean(), async ([dims, { entries, chosen, dims: partDims }], isNumber) => {
      const x = numbers(dims)
      const places = placesIn(dims, chosen)
      const value = isNumber ? -1 : numbers(partDims).neg().sub(1)
      const written = await x.assign(entries, value).value()
      const model = await elements(x)
      places.forEach((place, i) => {
        model[place] = isNumber ? -1 : -1 - i
      })
      t.deepEqual(await elements(written), model)
      t.deepEqual(
        await elements(written.slice(entries)),
        places.map((_, i) => (isNumber ? -1 : -1 - i)),
      )
      if (places.length > 0) t.notDeepEqual(await elements(written), await elements(x))
    }),
    { numRuns: 200 },
  )
})

test('assigning what was read changes nothing', async t => {
  await fc.assert(
    fc.asyncProperty(sliced, async ([dims, { entries }]) => {
      const x = numbers(dims)
      t.deepEqual(await elements(x.assign(entries, x.slice(entries))), await elements(x))
    }),
    { numRuns: 100 },
  )
})

test('flip and transpose undo themselves, cat undoes split', async t => {
  const input = lengths.chain(dims => fc.tuple(fc.constant(dims), fc.nat(dims.length - 1), fc.nat(dims.length - 1)))
  await fc.assert(
    fc.asyncProperty(input, fc.integer({ min: 1, max: 6 }), async ([dims, a, b], size) => {
      const x = numbers(dims)
      for (const same of [
        x.flip(a).flip(a),
        x.transpose(a, b).transpose(b, a),
        cat(x.split(size, a), a),
        x.roll(size, a).roll(-size, a),
      ]) {
        t.deepEqual([...same.dims], dims)
        t.deepEqual(await elements(same), await elements(x))
      }
    }),
    { numRuns: 60 },
  )
})

const keyOf = (x: Tensor): string => normalise({ owner: undefined, writes: new Map(), wanted: [stateOf(x).value] }).key
const hidden = (isKnown: boolean): Tensor => {
  const x = numbers([2, 16, 24])
  return isKnown ? x : recordOne('Identity', [x], { type: 'float32', dims: [undefined, undefined, undefined] })
}
const vector = numbers([24])

/** Slices of the same form at different places. */
const sweeps: Record<string, (i: number) => SliceSpec> = {
  'an index': i => s`:, ${i}`,
  'an index from the end': i => s`..., ${-1 - i}`,
  'two indices': i => s`${i % 2}, ${i}`,
  'a range': i => s`:, ${i}:${i + 2}`,
  'a range with a step': i => s`:, ${i}::${2 + i}`,
  'a range backwards': i => s`:, ${-i - 1}::${-1}`,
  'a list': i => s`:, [${i}, ${i + 5}]`,
  'two lists': i => s`[0, 1], ${[i, i + 3]}`,
  'a mask': i => s`:, ${Array.from({ length: 16 }, (_, at) => at === i || at === 9)}`,
  'an index in a tensor': i => s`:, ${tensor(i, { type: 'int64' })}`,
}
for (const [name, slice] of Object.entries(sweeps)) {
  test(`a plan serves ${name} at every place`, t => {
    for (const isKnown of [true, false]) {
      const keys = (of: (x: Tensor, spec: SliceSpec) => Tensor) =>
        new Set(Array.from({ length: 4 }, (_, i) => keyOf(of(hidden(isKnown), slice(i)))))
      t.is(keys((x, spec) => x.slice(spec)).size, 1)
      t.is(keys((x, spec) => x.assign(spec, 0)).size, 1)
    }
  })
}

for (const opset of [11, 13, 15]) {
  test(`slices are written in opset ${opset}`, async t => {
    for (const slice of [...Object.values(sweeps), () => s`None, 1, ..., ::-2`, () => s`...`]) {
      for (const isKnown of [true, false]) {
        const x = hidden(isKnown)
        for (const result of [x.slice(slice(2)), x.assign(slice(2), 0)]) {
          const [{ data, dims }] = await evaluateAt(opset, [stateOf(result).value])
          t.deepEqual(Array.from(data as Float32Array), await elements(result))
          t.deepEqual([...dims], [...(await result.value()).dims])
        }
      }
    }
  })
}

test('a plan serves every length of the sequence', t => {
  const keys = [5, 9].flatMap(length => keyOf(numbers([1, length, 24]).assign(s`:, -1`, vector)))
  t.is(new Set(keys).size, 1)
})

test('the common writes take few nodes', t => {
  const nodes = (x: Tensor): number =>
    normalise({ owner: undefined, writes: new Map(), wanted: [stateOf(x).value] }).order.filter(
      ({ kind }) => kind === 'operation',
    ).length
  const x = hidden(true)
  t.is(nodes(x.assign(s`:, -1`, 0)), 2)
  t.is(nodes(x.assign(s`:, -1`, numbers([2, 24]))), 1)
  t.is(nodes(x.assign(s`..., 0:8`, 0)), 1)
  t.is(nodes(x.assign(s`..., 0:8`, numbers([2, 16, 8]))), 3)
  t.is(nodes(x.assign(s`...`, 0)), 1)
  t.is(nodes(x.assign(s`...`, numbers([2, 16, 24]))), 0)
  t.is(nodes(x.assign(x.gt(3), 0)), 2)
  t.is(nodes(x.slice(s`:, -1`)), 1)
})

const types: HeldType[] = [
  'float32',
  'float64',
  'float16',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
]
const ways: SliceSpec[] = [
  s`1`,
  s`:, 1:3`,
  s`::-2, [0, 2]`,
  s`[True, False]`,
  [
    [
      [true, false, true],
      [false, true, false],
    ],
  ],
]
for (const type of types) {
  test(`slices of ${type}`, async t => {
    const x = tensor([0, 1, 0, 0, 1, 1], { type, dims: [2, 3] })
    for (const spec of ways) {
      const part = await x.slice(spec).value()
      t.is(part.type, type)
      for (const target of [x, recordOne('Identity', [x], { type, dims: [undefined, undefined] })]) {
        const written = await target.assign(spec, 1).value()
        t.is(written.type, type)
        t.true(
          (await written.slice(spec).value())
            .tolist()
            .toString()
            .split(',')
            .every(text => text === '1' || text === 'true'),
        )
      }
    }
  })
}

test('operands that hold the same data once are still two', async t => {
  const { data, dims, type } = stateOf(tensor([7])).data()
  const same = { data, dims, type }
  t.deepEqual((await Tensor.of(same).sub(Tensor.of(same)).value()).tolist(), [0])
  t.deepEqual(
    (
      await tensor([5])
        .sub(tensor([3]))
        .value()
    ).tolist(),
    [2],
  )
})

test('the last of several values stays', async t => {
  const x = arange(6)
  const list = recordOne('Identity', [tensor([2, 0, 2, 2], { type: 'int64' })], { type: 'int64', dims: [4] })
  const values = tensor([10, 20, 30, 40], { type: 'int64' })
  for (const spec of [s`[2, 0, 2, 2]`, s`${list}`, s`[2, 0, -4, 2]`])
    t.deepEqual((await x.assign(spec, values).value()).tolist(), [20, 1, 40, 3, 4, 5])
})

test('a value takes the dtype, if that loses nothing', async t => {
  const half = tensor([1, 2], { type: 'float16' })
  t.deepEqual((await half.assign(0, 0.5).value()).tolist(), [0.5, 2])
  t.deepEqual((await half.assign(0, tensor(3, { type: 'int64' })).value()).tolist(), [3, 2])
  t.throws(() => half.assign(0, tensor(3)), { message: /float32 value was written into a float16/ })
  t.throws(() => arange(3).assign(0, tensor(3)), { message: /\.to\('int64'\)/ })
  t.throws(() => arange(3).assign(0, 1.5), { code: 'dtype' } as never)
})

const refused: [string, (x: Tensor) => unknown, RegExp][] = [
  ['an index past the end', x => x.slice(s`:, 7`), /index 7 is out of range for dim 1 of \[2, 3, 4\]/],
  ['an index in a list', x => x.slice(s`..., [0, -5]`), /index -5 is out of range for dim 2/],
  ['an index in a tensor', x => x.slice([tensor([2], { type: 'int32' })]), /index 2 is out of range for dim 0/],
  ['an index of a write', x => x.assign(s`2`, 0), /index 2 is out of range/],
  ['too many axes', x => x.slice(s`0, 0, 0, 0`), /A slice of 4 axes was taken of \[2, 3, 4\], which has 3/],
  ['a mask of other dims', x => x.slice(s`[True, False, True]`), /mask of \[3\] does not fit \[2, 3, 4\] at dim 0/],
  ['lists that do not broadcast', x => x.slice(s`[0, 1], [0, 1, 2]`), /\[2\] and \[3\] do not broadcast/],
  ['a value that does not broadcast', x => x.assign(s`:, 0`, numbers([3])), /\[3\] does not fit a slice of \[2, 4\]/],
  [
    'a value for an empty slice',
    x => x.assign(s`0:0`, numbers([2, 3, 4])),
    /\[2, 3, 4\] does not fit a slice of \[0, 3, 4\]/,
  ],
  ['a float index', x => x.slice(s`${1.5}`), /contains 1.5, which is not an integer/],
  ['a float tensor', x => x.slice([tensor([1])]), /float32 tensor can't be an index/],
  ['a step of 0', x => x.slice(s`::${0}`), /step of a slice is 0/],
  ['what is no slice', x => x.slice(':,'.repeat(2) + 'x'), /can't be read/],
]
for (const [name, act, message] of refused) {
  test(`refused when it is recorded: ${name}`, t => {
    t.throws(() => act(numbers([2, 3, 4])), { message })
  })
}

/** Assignments that only the run can refuse: a value or mask has more elements than a dim that was not known, and is 1. */
const tooLarge: Record<string, (x: Tensor) => Tensor> = {
  'a value for all': x => x.assign(s`...`, numbers([2, 4])),
  'a value of unknown dims for all': () =>
    numbers([1, 4]).assign(s`...`, recordOne('Identity', [numbers([2, 4])], { type: 'float32', dims: [undefined, 4] })),
  'a value for the columns that a mask chooses': x =>
    x.assign([':', veil(tensor([true, false, true, true]))], numbers([2, 1])),
  'a value for what a mask of several axes chooses': () =>
    veil(numbers([4, 1, 1])).assign([veil(tensor([[true], [false], [true], [true]]))], numbers([2])),
  'a mask of rows': x => x.assign([veil(tensor([true, true]))], 0),
  'a mask of several axes': x => x.assign([veil(tensor([Array(4).fill(true), Array(4).fill(true)]))], 0),
}
function veil(x: Tensor): Tensor {
  return recordOne('Identity', [x], { type: x.type, dims: x.dims.map(() => undefined) })
}
for (const [name, write] of Object.entries(tooLarge)) {
  test(`refused by the run: ${name}`, async t => {
    await t.throwsAsync(async () => write(veil(numbers([1, 4]))).value())
  })
}

test('a slice as an array has one entry for each axis', async t => {
  const x = numbers([2, 3, 4])
  const read = async (spec: SliceSpec) => elements(x.slice(spec))
  t.deepEqual(await read([0, 2]), await read(s`0, 2`))
  t.deepEqual(await read([[0, 1], 2]), await read(s`[0, 1], 2`))
  t.deepEqual(await read(['...', { start: 1, stop: 3 }]), await read(s`..., 1:3`))
  t.deepEqual(await read([null, -1]), await read('None, -1'))
  t.deepEqual(await read(1), await read(s`1`))
  t.deepEqual(await read(tensor([true, false])), await read(s`[True, False]`))
})

test('going through a tensor gives its rows', async t => {
  const rows = [...numbers([2, 3])]
  t.deepEqual(await Promise.all(rows.map(elements)), [
    [0, 1, 2],
    [3, 4, 5],
  ])
  t.throws(() => [...hidden(false)], { code: 'unknown-shape' } as never)
})
