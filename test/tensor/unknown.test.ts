import test from 'ava'
import 'onnsight'
import type { Tensor } from 'onnsight'
import { recordOne } from '#dist/runtime/tensor/tensor.js'
import { type NestedArray, toTensor } from '#dist/runtime/tensor/values/convert.js'

/** The same tensor, whose first dim, or whose rank, is not known before it is computed. */
function veiled(value: NestedArray, knows: 'rank' | 'nothing'): Tensor {
  const tensor = toTensor(value)
  const all = toTensor(Array(tensor.dims[0]).fill(true))
  const dims = knows === 'rank' ? [undefined, ...tensor.dims.slice(1)] : undefined
  return recordOne('Compress', [tensor, all], { type: tensor.type, dims }, { axis: { int: 0 } })
}

const rows = [
  [1, 5, 2],
  [4, 3, -6],
]
const operations: Record<string, (x: Tensor) => Tensor> = {
  'sum of a dim': x => x.sum(-1),
  'mean of all': x => x.mean(),
  'var of all': x => x.var(),
  'var of a dim': x => x.var(-2, { correction: 0 }),
  'std of a dim': x => x.std(-1, { keepdim: true }),
  sort: x => x.sort(-2).values,
  argsort: x => x.argsort(-1, { descending: true }),
  topk: x => x.topk(2).indices,
  argmax: x => x.argmax(),
  'argmax of a dim': x => x.argmax(-1),
  cumsum: x => x.cumsum(-1),
  'norm of a dim': x => x.norm(2, -1),
  softmax: x => x.softmax(-1),
  amax: x => x.amax(-2),
  all: x => x.gt(-1).all(-1),
  matmul: x => x.matmul([[1], [2], [3]]),
  layerNorm: x => x.layerNorm(3),
  gelu: x => x.gelu(),
  klDiv: x => x.logSoftmax(-1).klDiv(x.softmax(-1).mul(0.5), { reduction: 'batchmean' }),
  cosineSimilarity: x => x.cosineSimilarity([1, 2, 3], -1),
  mseLoss: x => x.mseLoss(0),
}

for (const [name, apply] of Object.entries(operations)) {
  for (const knows of ['rank', 'nothing'] as const) {
    test(`${name} of a tensor of which ${knows === 'rank' ? 'a dim is unknown' : 'nothing is known'}`, async t => {
      const [expected, actual] = [apply(toTensor(rows)), apply(veiled(rows, knows))]
      t.deepEqual((await actual.value()).tolist(), (await expected.value()).tolist())
      t.is(actual.type, expected.type)
    })
  }
}

test('crossEntropy with an unknown number of samples', async t => {
  const loss = (x: Tensor): Tensor => x.crossEntropy([2, 0])
  t.is((await loss(veiled(rows, 'rank')).value()).item(), (await loss(toTensor(rows)).value()).item())
})
