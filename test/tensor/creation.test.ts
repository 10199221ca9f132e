import { inspect } from 'node:util'
import test from 'ava'
import {
  arange,
  eye,
  full,
  fullLike,
  linspace,
  oneHot,
  ones,
  onesLike,
  rand,
  randint,
  randn,
  randperm,
  Tensor,
  tensor,
  zeros,
  zerosLike,
} from 'onnsight'
import { recordOne } from '#dist/runtime/tensor/tensor.js'

const list = async (x: Tensor) => (await x.value()).tolist()

test('tensors of one value', async t => {
  t.deepEqual(zeros([2, 2]).tolist(), [
    [0, 0],
    [0, 0],
  ])
  t.deepEqual(ones([2], { type: 'bool' }).tolist(), [true, true])
  t.deepEqual(full([2], 1.5, { type: 'float16' }).tolist(), [1.5, 1.5])
  t.deepEqual(full([0, 3], 1).dims, [0, 3])
  t.is(full([], 7, { type: 'int64' }).item(), 7)
  t.throws(() => full([2], 1.5, { type: 'int64' }), { code: 'dtype' } as never)
  t.throws(() => zeros([2, -1]), { code: 'argument' } as never)
})

test('tensors like another one', async t => {
  const x = tensor([[1, 2, 3]], { type: 'int32' })
  const hidden = recordOne('Identity', [x], { type: 'int32', dims: [undefined, undefined] })
  for (const like of [x, hidden]) {
    t.is(zerosLike(like).type, 'int32')
    t.deepEqual(await list(zerosLike(like)), [[0, 0, 0]])
    t.deepEqual(await list(onesLike(like, { type: 'float16' })), [[1, 1, 1]])
    t.deepEqual(await list(fullLike(like, 7)), [[7, 7, 7]])
  }
})

test('arange, linspace, eye and oneHot', async t => {
  t.deepEqual(arange(4).tolist(), [0, 1, 2, 3])
  t.is(arange(4).type, 'int64')
  t.deepEqual(arange(1, 2, 0.25).tolist(), [1, 1.25, 1.5, 1.75])
  t.deepEqual(arange(5, 0, -2).tolist(), [5, 3, 1])
  t.deepEqual(arange(3, 0).tolist(), [])
  t.throws(() => arange(0, Number.POSITIVE_INFINITY), { code: 'argument' } as never)
  t.deepEqual(linspace(0, 1, 5).tolist(), [0, 0.25, 0.5, 0.75, 1])
  t.deepEqual(linspace(3, 9, 1).tolist(), [3])
  t.deepEqual(eye(2, 3).tolist(), [
    [1, 0, 0],
    [0, 1, 0],
  ])
  t.deepEqual(await list(oneHot(tensor([2, 0], { type: 'int64' }), 3)), [
    [0, 0, 1],
    [1, 0, 0],
  ])
})

test('a tensor of data and dims', t => {
  const data = Float32Array.from([1, 2, 3, 4])
  t.deepEqual(tensor(data, { dims: [2, 2] }).tolist(), [
    [1, 2],
    [3, 4],
  ])
  t.is(tensor(new Uint8Array(3)).type, 'uint8')
  t.throws(() => tensor(data, { dims: [3] }), { code: 'argument' } as never)
})

const makers: Record<string, (seed: number) => Tensor> = {
  rand: seed => rand([100], { seed }),
  randn: seed => randn([100], { seed }),
  randint: seed => randint(-5, 1000, [100], { seed }),
  randperm: seed => randperm(100, { seed }),
}
for (const [name, make] of Object.entries(makers)) {
  test(`${name}: the same numbers for a seed, others for another`, t => {
    t.deepEqual(make(3).tolist(), make(3).tolist())
    const first = Array.from({ length: 20 }, (_, seed) => (make(seed).tolist() as number[])[0])
    t.true(new Set(first).size > 10)
    t.throws(() => make(undefined as never), { code: 'argument' } as never)
    t.throws(() => make(0.5), { code: 'argument' } as never)
  })
}

test('these numbers stay the same from version to version', t => {
  t.snapshot(
    [rand([3], { seed: 1 }), randn([3], { seed: 1 }), randint(0, 100, [4], { seed: 1 }), randperm(5, { seed: 1 })].map(
      x => x.tolist(),
    ),
  )
})

test('random numbers have their distribution', t => {
  const uniform = rand([20000], { seed: 1 }).tolist() as number[]
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length
  const variance = (values: number[]): number => mean(values.map(value => value * value)) - mean(values) ** 2
  t.true(uniform.every(value => value >= 0 && value < 1))
  t.true(Math.abs(mean(uniform) - 0.5) < 0.01 && Math.abs(variance(uniform) - 1 / 12) < 0.003)
  t.true((rand([20000], { seed: 2, type: 'float16' }).tolist() as number[]).every(value => value < 1))
  const normal = randn([20000], { seed: 1 }).tolist() as number[]
  t.true(Math.abs(mean(normal)) < 0.03 && Math.abs(variance(normal) - 1) < 0.03)
  const whole = randint(-2, 3, [2000], { seed: 1 }).tolist() as number[]
  t.deepEqual(
    [...new Set(whole)].sort((a, b) => a - b),
    [-2, -1, 0, 1, 2],
  )
  t.deepEqual(
    (randperm(50, { seed: 9 }).tolist() as number[]).sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i),
  )
  // The first numbers of neighbouring seeds are unrelated.
  const firsts = Array.from({ length: 2000 }, (_, seed) => (rand([1], { seed }).tolist() as number[])[0])
  t.true(Math.abs(mean(firsts) - 0.5) < 0.03 && Math.abs(variance(firsts) - 1 / 12) < 0.01)
  const products = firsts.slice(1).map((value, i) => (value - 0.5) * (firsts[i] - 0.5))
  t.true(Math.abs(mean(products)) < 0.01)
})

test('tensors print what a person wants to see', t => {
  t.is(
    inspect(
      tensor([
        [1, 0.123456789],
        [3, -4],
      ]),
    ),
    'Tensor(float32 [2, 2]\n[[ 1.0000,  0.1235],\n [ 3.0000, -4.0000]])',
  )
  t.is(inspect(tensor([true, false])), 'Tensor(bool [2]\n[ true, false])')
  t.is(inspect(tensor(['a', '…'])), 'Tensor(string [2]\n["a", "…"])')
  t.is(inspect(tensor([0.5], { type: 'float16' })), 'Tensor(float16 [1]\n[0.5])')
  t.is(inspect(tensor([2n ** 60n, 1n])), 'Tensor(int64 [2]\n[1152921504606846976,                   1])')
  t.is(inspect(zeros([2, 0])), 'Tensor(float32 [2, 0]\n[[],\n []])')
  t.is(inspect(tensor(5)), 'Tensor(float32 []\n5)')
  t.is(inspect(arange(2000)), 'Tensor(int64 [2000]\n[   0,    1,    2, …, 1997, 1998, 1999])')
})

test('printing a large tensor reads only the elements that it shows', t => {
  let reads = 0
  const data = new Proxy([] as string[], {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) {
        reads++
        return 'x'
      }
      return key === 'length' ? 20_000_000 : Reflect.get(target, key)
    },
  })
  t.is(inspect(Tensor.of({ type: 'string', dims: [5000, 4000], data })).split('\n').length, 8)
  t.is(reads, 36)
})
