import test from 'ava'
import { type SliceSpec, type Tensor, tensor } from 'onnsight'
import { counting, readSliceCases, type SliceCase, specOf, textOf, veiled } from './slice-cases.ts'

const cases = readSliceCases()
const lists = (array: unknown[]): Tensor => {
  const isMask = typeof array.flat(9)[0] === 'boolean'
  return tensor(array as number[], { type: isMask ? 'bool' : 'int64' })
}

interface Expected {
  readonly dims: readonly number[]
  readonly elements: readonly number[]
}

/** What is wrong with the tensor; undefined if nothing is. `isKnown`: its dims must be known before it is computed. */
async function fault(got: Tensor, { dims, elements }: Expected, isKnown: boolean): Promise<string | undefined> {
  const predicted = got.dims
  const value = await got.value()
  if (String(value.dims) !== String(dims)) return `gives [${value.dims}], not [${dims}]`
  if (predicted.length !== dims.length || predicted.some((dim, i) => (dim ?? (isKnown ? -1 : dims[i])) !== dims[i]))
    return `is recorded as [${predicted.map(dim => dim ?? '?')}], not [${dims}]`
  if (value.type !== 'float32') return `gives ${value.type}`
  if (String(Array.from(value.data as Float32Array)) !== String(elements))
    return `gives ${Array.from(value.data as Float32Array)}, not ${elements}`
  return undefined
}

/** The forms of the tensor and the slice: with known dims or not, and with lists that are given or computed by the run. */
const ways: Record<string, (input: SliceCase) => { x: Tensor; spec: SliceSpec; isKnown: boolean } | undefined> = {
  'known dims': ({ dims, entries }) => ({ x: counting(dims, 0, 1), spec: specOf(entries), isKnown: true }),
  'slices as text': ({ dims, entries }) => {
    const spec = textOf(entries)
    return spec === undefined ? undefined : { x: counting(dims, 0, 1), spec, isKnown: true }
  },
  'unknown dims': ({ dims, entries }) => ({
    x: veiled(counting(dims, 0, 1), true),
    spec: specOf(entries),
    isKnown: false,
  }),
  'lists and masks that the run computes': ({ dims, entries }) => ({
    x: counting(dims, 0, 1),
    spec: specOf(entries, array => veiled(lists(array), false)),
    isKnown: false,
  }),
  'lists, masks and a tensor of unknown dims': ({ dims, entries }) => ({
    x: veiled(counting(dims, 0, 1), true),
    spec: specOf(entries, array => veiled(lists(array), true)),
    isKnown: false,
  }),
}

async function faults(check: (input: SliceCase) => Promise<string | undefined> | undefined): Promise<string[]> {
  const found: string[] = []
  for (const input of cases) {
    try {
      const text = await check(input)
      if (text) found.push(`[${input.dims}] ${JSON.stringify(input.entries)} <- [${input.write.dims}] ${text}`)
    } catch (error) {
      found.push(`[${input.dims}] ${JSON.stringify(input.entries)} <- [${input.write.dims}] ${error}`)
    }
  }
  return found
}

for (const [name, prepare] of Object.entries(ways)) {
  test(`reads what NumPy reads: ${name}`, async t => {
    const found = await faults(input => {
      const way = prepare(input)
      return way && fault(way.x.slice(way.spec), input.part, way.isKnown)
    })
    t.deepEqual(found, [])
  })

  for (const isVeiled of name === 'known dims' || name === 'unknown dims' ? [false, true] : [false]) {
    test(`assigns what NumPy assigns: ${name}${isVeiled ? ', and of the value' : ''}`, async t => {
      const found = await faults(({ write, ...input }) => {
        const way = prepare({ write, ...input })
        const value = counting(write.dims, -1, -1)
        return (
          way &&
          fault(
            way.x.assign(way.spec, isVeiled ? veiled(value, name === 'unknown dims') : value),
            { dims: input.dims, elements: write.elements },
            way.isKnown,
          )
        )
      })
      t.deepEqual(found, [])
    })
  }
}

test('most of the assignments change something', t => {
  const moved = cases.filter(({ write }) => write.elements.some(element => element < 0))
  t.true(moved.length > cases.length / 2)
})

/** Slices of arange(24).reshape(2, 3, 4). Only entries between two lists move their dims to the front; `...` for no axes and single numbers do not. */
const betweenLists: [slice: string, dims: number[], elements: number[]][] = [
  ['[0, 1], ..., [2, 0], :', [2, 4], [8, 9, 10, 11, 12, 13, 14, 15]],
  [':, [2, 0], ..., [3, 1]', [2, 2], [11, 1, 23, 13]],
  ['[0, 1], ..., [3, 1]', [2, 3], [3, 7, 11, 13, 17, 21]],
  ['[0, 1], None, [2, 0]', [2, 1, 4], [8, 9, 10, 11, 12, 13, 14, 15]],
  [':, [2, 0], None, [3, 1]', [2, 2, 1], [11, 23, 1, 13]],
  ['[0, 1], 1, [3, 1]', [2], [7, 17]],
  ['0, :, [3, 1]', [3, 2], [3, 1, 7, 5, 11, 9]],
  [':, 1, ..., [3, 1]', [2, 2], [7, 5, 19, 17]],
]
for (const [slice, dims, elements] of betweenLists) {
  test(`reads and assigns what PyTorch does: ${slice}`, async t => {
    for (const hides of [false, true]) {
      const x = hides ? veiled(counting([2, 3, 4], 0, 1), true) : counting([2, 3, 4], 0, 1)
      t.is(await fault(x.slice(slice), { dims, elements }, !hides), undefined)
      const whole = Array.from({ length: 24 }, (_, i) => (elements.includes(i) ? -1 - elements.indexOf(i) : i))
      t.is(
        await fault(x.assign(slice, counting(dims, -1, -1)), { dims: [2, 3, 4], elements: whole }, !hides),
        undefined,
      )
    }
  })
}
