import test from 'ava'
import { OnnsightError, type Tensor } from 'onnsight'
import { type Dims, TapRead, Value } from '#dist/runtime/graph/expression.js'
import type { DataType } from '#dist/runtime/tensor/dtypes/dtype.js'
import { where } from '#dist/runtime/tensor/ops/comparison.js'
import { einsum } from '#dist/runtime/tensor/ops/einsum.js'
import { newHandle } from '#dist/runtime/tensor/tensor.js'
import { type TensorLike, toTensor } from '#dist/runtime/tensor/values/convert.js'

/** A handle of which only the dims and the dtype are known. */
function handle(dims: Dims | undefined, type: DataType = 'float32'): Tensor {
  const tap = { key: 'x', label: 'x', tensor: 'x', direction: 'out', scope: '' } as const
  return newHandle(new Value(new TapRead(tap, 0, { program: {} }, undefined), 0, type, dims))
}

const h = handle([1, 7, 128])

const rows: [name: string, run: () => unknown, code: string, message: RegExp][] = [
  ['mul', () => h.mul(handle([64])), 'shape', /mul: \[1, 7, 128\] and \[64\] do not broadcast/],
  [
    'matmul',
    () => h.matmul(handle([64, 3])),
    'shape',
    /matmul: \[1, 7, 128\] and \[64, 3\] do not match: 128 columns, 64 rows/,
  ],
  ['matmul of a number', () => h.matmul(2), 'shape', /matmul: \[1, 7, 128\] and \[\] have no product/],
  ['bmm', () => handle([2, 3, 4]).bmm(handle([3, 4, 5])), 'shape', /bmm: 2 matrices and 3 matrices/],
  ['dot', () => h.dot(h), 'shape', /dot: takes tensors of rank 1, not \[1, 7, 128\]/],
  ['softmax', () => h.softmax(3), 'index', /softmax: there is no dim 3: a tensor of rank 3 has -3 to 2/],
  ['sum', () => h.sum([0, 5]), 'index', /sum: there is no dim 5/],
  ['mean of a dim twice', () => h.mean([-1, 2]), 'argument', /mean: \[-1, 2\] names a dim twice/],
  ['max', () => h.max(-4), 'index', /amax: there is no dim -4/],
  ['topk', () => handle([5]).topk(6), 'index', /topk: k is 6, and dim -1 has 5 elements/],
  ['topk of a fraction', () => h.topk(1.5), 'argument', /topk: k is 1.5/],
  ['layerNorm', () => h.layerNorm(64), 'shape', /layerNorm: \[1, 7, 128\] does not end in \[64\]/],
  ['layerNorm weight', () => h.layerNorm(128, { weight: handle([64]) }), 'shape', /the weight is \[64\], not \[128\]/],
  [
    'crossEntropy',
    () => handle([4, 5]).crossEntropy(handle([3], 'int64')),
    'shape',
    /crossEntropy: \[4, 5\] against \[3\]/,
  ],
  [
    'crossEntropy of floats',
    () => handle([4, 5]).crossEntropy(handle([4])),
    'dtype',
    /classes are whole numbers, not float32/,
  ],
  [
    'where',
    () => where(handle([2], 'bool'), handle([3]), 0),
    'shape',
    /where: \[2\] and \[3\] and \[\] do not broadcast/,
  ],
  ['neg of bool', () => handle([2], 'bool').neg(), 'dtype', /neg: a bool tensor has no negative/],
  ['einsum ranks', () => einsum('ij,jk->ik', h, h), 'shape', /einsum: \[1, 7, 128\] is not 'ij'/],
  [
    'einsum sizes',
    () => einsum('ij,jk->ik', handle([2, 3]), handle([4, 5])),
    'shape',
    /'j' of 'ij,jk->ik' is both 3 and 4/,
  ],
  ['einsum operands', () => einsum('ij->i', handle([2, 3]), h), 'argument', /names 1 operands, and there are 2/],
  ['einsum result', () => einsum('ij->ik', handle([2, 3])), 'argument', /has 'k' in its result alone/],
  ['einsum text', () => einsum('i1->i', handle([2, 3])), 'argument', /has the term 'i1'/],
  ['ragged', () => toTensor([[1, 2], [3]]), 'argument', /ragged: a row at depth 1 has 1 elements, but the first has 2/],
  ['uneven depth', () => toTensor([1, [2]]), 'argument', /arrays of different depth/],
  ['undefined among numbers', () => toTensor([1, undefined] as never), 'argument', /undefined among the elements/],
  [
    'a fraction as int64',
    () => toTensor([1.5], { type: 'int64' }),
    'dtype',
    /1.5 is not an integer, and int64 is needed/,
  ],
  [
    'NaN as int32',
    () => toTensor(Number.NaN, { type: 'int32' }),
    'dtype',
    /NaN is not an integer, and int32 is needed/,
  ],
  ['too much for uint8', () => toTensor([256], { type: 'uint8' }), 'dtype', /256 does not fit into uint8/],
  [
    'text as a number',
    () => toTensor(['1'], { type: 'float32' }),
    'dtype',
    /The text "1" is not a number, and float32 is needed/,
  ],
  ['dims of unknown rank', () => handle(undefined).dims, 'unknown-shape', /not even the rank is known/],
]

for (const [name, run, code, message] of rows) {
  test(`${name}: the error comes when it is recorded`, t => {
    const error = t.throws(run, { instanceOf: OnnsightError })
    t.is(error?.code, code)
    t.regex(error?.message ?? '', message)
  })
}

test('what is not known is left open', t => {
  const open = handle([1, undefined, 128])
  t.deepEqual(open.add(h).dims, [1, 7, 128])
  t.deepEqual(open.mean(1).dims, [1, 128])
  t.deepEqual(open.sum(-1, { keepdim: true }).dims, [1, undefined, 1])
  t.deepEqual(open.softmax(1).dims, [1, undefined, 128])
  t.deepEqual(open.matmul(handle([128, undefined])).dims, [1, undefined, undefined])
  t.deepEqual(open.max(1).indices.dims, [1, 128])
  t.deepEqual(open.sort(1).values.dims, [1, undefined, 128])
  t.deepEqual(open.var(1).dims, [1, 128])
  t.deepEqual(open.argmax().dims, [])
  t.deepEqual(einsum('bij,ijk->bk', open, handle([7, 128, 3])).dims, [1, 3])
  const unknown = handle(undefined)
  t.deepEqual(unknown.sum().dims, [])
  t.throws(() => unknown.sum(-1).dims, { message: /rank is known/ })
  t.throws(() => unknown.add(h).softmax(-1).dims, { message: /rank is known/ })
})

test('arrays and numbers have the dtypes of PyTorch', t => {
  const types: [TensorLike, DataType, number[]][] = [
    [1, 'float32', []],
    [1n, 'int64', []],
    [true, 'bool', []],
    [[[1, 2.5]], 'float32', [1, 2]],
    [[1n, 2n], 'int64', [2]],
    [[true, false], 'bool', [2]],
    [new Float64Array(2), 'float64', [2]],
    [new BigInt64Array(3), 'int64', [3]],
    [new Uint8Array(1), 'uint8', [1]],
    [new Int8Array(1), 'int8', [1]],
    [[], 'float32', [0]],
  ]
  for (const [like, type, dims] of types) {
    const tensor = toTensor(like)
    t.is(tensor.type, type)
    t.deepEqual([...tensor.dims], dims)
  }
  t.deepEqual(toTensor([1, 2], { type: 'int64' }).data, BigInt64Array.of(1n, 2n))
  t.deepEqual(toTensor([0, 3], { type: 'bool' }).tolist(), [false, true])
  t.deepEqual(Array.from(toTensor([0.5, 65504], { type: 'float16' }).data as ArrayLike<number>), [0.5, 65504])
  t.deepEqual(toTensor(Float32Array.of(1, 2), { type: 'int32' }).tolist(), [1, 2])
})
