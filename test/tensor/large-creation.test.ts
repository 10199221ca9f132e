import { spawnSync } from 'node:child_process'
import test from 'ava'
import { arange, eye, full, linspace, ones, rand, randint, randn, randperm, type Tensor, zeros } from 'onnsight'

// Tensors of more elements than are computed at once, than V8's heap holds as a list, and than any array has.

const COUNT = 2 ** 16 + 7

const numbers = (tensor: Tensor): number[] => (tensor.tolist() as number[]).flat()

test('large ranges and permutations have the elements that their law says', t => {
  for (const [values, at] of [
    [numbers(arange(3, 3 + 2 * COUNT, 2)), (i: number) => 3 + 2 * i],
    [numbers(linspace(0, COUNT - 1, COUNT, { type: 'float64' })), (i: number) => i],
    [numbers(randperm(COUNT, { seed: 3 })).sort((a, b) => a - b), (i: number) => i],
  ] as const) {
    t.is(values.length, COUNT)
    t.is(
      values.findIndex((value, i) => value !== at(i)),
      -1,
    )
  }
})

const makers: Record<string, (dims: readonly number[]) => Tensor> = {
  rand: dims => rand(dims, { seed: 5 }),
  randn: dims => randn(dims, { seed: 5 }),
  randint: dims => randint(-300, 900, dims, { seed: 5 }),
}
for (const [name, make] of Object.entries(makers))
  test(`${name}: a large tensor begins with the numbers of a small one, and does not begin again`, t => {
    const large = make([3, COUNT])
    t.deepEqual(large.dims, [3, COUNT])
    const all = numbers(large)
    t.deepEqual(all.slice(0, 100), numbers(make([100])))
    for (let start = 2 ** 16; start < all.length; start += 2 ** 16)
      t.notDeepEqual(all.slice(start, start + 7), all.slice(0, 7), `from ${start}`)
    t.false(all.slice(-7).every(value => value === 0))
  })

test('a tensor that the heap could not hold as a list is made all the same', t => {
  const made = spawnSync(
    process.execPath,
    [
      '--max-old-space-size=48',
      '--input-type=module',
      '--eval',
      `import { arange, rand } from 'onnsight'
       for (const large of [rand([4, 3e6], { seed: 1 }), arange(0, 12e6, 1, { type: 'float32' })]) console.log(large.dims.join())`,
    ],
    { encoding: 'utf8' },
  )
  t.is(made.stdout, '4,3000000\n12000000\n', made.stderr)
})

const D = 100_000
const tooLarge: Record<string, () => Tensor> = {
  zeros: () => zeros([D, D]),
  ones: () => ones([D, D], { type: 'int64' }),
  full: () => full([D, D], 0.5, { type: 'float16' }),
  eye: () => eye(D),
  arange: () => arange(D * D),
  linspace: () => linspace(0, 1, D * D),
  rand: () => rand([D, D], { seed: 1 }),
  randn: () => randn([D, D], { seed: 1 }),
  randint: () => randint(0, 3, [D, D], { seed: 1 }),
  randperm: () => randperm(D * D, { seed: 1 }),
}
for (const [name, make] of Object.entries(tooLarge))
  test(`${name}: a tensor that no array can hold is refused with its bytes`, t => {
    t.throws(make, { name: 'ArgumentError', message: /takes [\d,]+ bytes, and JavaScript can't make an array/ })
  })
