import test from 'ava'
import fc from 'fast-check'
import { cat, einsum, grad, stack, type Tensor, tensor, where } from 'onnsight'
import { many } from '../many.ts'

/** Methods of `Tensor` as functions of x, which has dims [2, 3]. They are smooth at all numbers that are tried. */
const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  add: x => x.add([1, 2, 3]).mul(x),
  sub: x => x.sub(x.mul(x)),
  rsub: x => x.rsub(2).mul(x),
  mul: x => x.mul([[2], [3]]),
  div: x => x.div(x.abs().add(1)),
  rdiv: x => x.abs().add(1).rdiv(2),
  pow: x => x.abs().pow(1.5),
  neg: x => x.neg().exp(),
  abs: x => x.abs(),
  exp: x => x.exp(),
  log: x => x.abs().log(),
  sqrt: x => x.abs().sqrt(),
  rsqrt: x => x.abs().rsqrt(),
  reciprocal: x => x.abs().reciprocal(),
  sin: x => x.sin(),
  cos: x => x.cos(),
  tanh: x => x.tanh(),
  sigmoid: x => x.sigmoid(),
  softplus: x => x.softplus(),
  erf: x => x.erf(),
  relu: x => x.relu(),
  leakyRelu: x => x.leakyRelu(),
  elu: x => x.elu(),
  gelu: x => x.gelu(),
  silu: x => x.silu(),
  softmax: x => x.softmax(-1),
  'softmax of the first axis': x => x.softmax(0),
  logSoftmax: x => x.logSoftmax(-1),
  clamp: x => x.clamp(-1, 0.45),
  maximum: x => x.maximum(0.1),
  minimum: x => x.minimum([[0.1], [0.45]]),
  where: x => where(x.gt(0), x.mul(x), x.exp()),
  sum: x => x.sum(1).mul(x.sum(0).sum()),
  mean: x => x.mean(0).pow(2),
  var: x => x.var(1),
  std: x => x.std(1),
  norm: x => x.norm(2, 1),
  amax: x => x.amax(1),
  amin: x => x.amin(0),
  logsumexp: x => x.logsumexp(1),
  cumsum: x => x.cumsum(1).pow(2),
  prod: x => x.prod(1),
  matmul: x => x.matmul(x.T),
  einsum: x => einsum('ij,kj->ik', x, x),
  layerNorm: x => x.layerNorm(3),
  reshape: x => x.reshape([3, 2]).pow(2),
  transpose: x => x.transpose(0, 1).pow(2),
  permute: x => x.permute([1, 0]).pow(2),
  flip: x => x.flip(1).mul(x),
  unsqueeze: x => x.unsqueeze(1).mul(x),
  select: x => x.select(1, 1).pow(2),
  slice: x => x.slice(':, 1:').pow(2),
  'slice backwards': x => x.slice(':, ::-1').mul(x),
  indexSelect: x => x.indexSelect(1, [2, 0, 2]).pow(2),
  gather: x =>
    x
      .gather(1, [
        [2, 2],
        [0, 1],
      ])
      .pow(2),
  topk: x => x.topk(2).values.pow(2),
  sort: x => x.sort(1).values.mul([1, 2, 3]),
  cat: x => cat([x, x.mul(x)], 1),
  stack: x => stack([x, x.exp()]),
  split: x => x.split(2, 1)[0].pow(2),
  tril: x => x.tril().pow(2),
  expm1: x => x.expm1(),
  log1p: x => x.abs().log1p(),
  log2: x => x.abs().log2(),
  rpow: x => x.rpow(2),
  fmod: x => x.fmod(1.9),
  sign: x => x.sign().mul(x),
  max: x => x.max(1).values.pow(2),
  min: x => x.min().pow(2),
  bmm: x => x.unsqueeze(0).bmm(x.T.unsqueeze(0)),
  dot: x => x.select(0, 0).dot(x.select(0, 1)),
  outer: x => x.select(0, 0).outer(x.select(0, 1)),
  rmatmul: x =>
    x.rmatmul([
      [1, 2],
      [3, 4],
    ]),
  flatten: x => x.flatten().mul([1, 2, 3, 4, 5, 6]),
  unflatten: x => x.unflatten(1, [3, 1]).mul(x.unsqueeze(-1)),
  squeeze: x => x.unsqueeze(1).squeeze(1).exp(),
  expand: x =>
    x
      .unsqueeze(0)
      .expand([2, 2, 3])
      .mul([[[1]], [[2]]]),
  repeat: x => x.repeat([2, 1]).pow(2),
  tile: x => x.tile([1, 2]).pow(2),
  repeatInterleave: x => x.repeatInterleave(2, 1).pow(2),
  roll: x => x.roll(1, 1).mul(x),
  rot90: x => x.rot90().pow(2),
  triu: x => x.triu().pow(2),
  diagonal: x => x.diagonal().pow(2),
  chunk: x => x.chunk(3, 1)[1].pow(2),
  unbind: x => x.unbind(0)[1].pow(2),
  takeAlongDim: x =>
    x
      .takeAlongDim(
        [
          [2, 2, 1],
          [0, 1, 1],
        ],
        1,
      )
      .pow(2),
  take: x => x.take([0, 5, 5]).pow(2),
  scatter: x => x.scatter(1, [[0], [2]], [[4], [5]]).pow(2),
  scatterAdd: x =>
    x
      .scatterAdd(
        1,
        [
          [0, 0],
          [2, 1],
        ],
        x.slice(':, :2'),
      )
      .pow(2),
  indexAdd: x => x.indexAdd(1, [0, 0], x.slice(':, 1:')).pow(2),
  maskedFill: x => x.maskedFill(x.gt(0), 2).pow(2),
  maskedSelect: x => x.maskedSelect(x.gt(0)).pow(2),
  narrow: x => x.narrow(1, 1, 2).pow(2),
  assign: x => x.assign(':, 1', x.select(1, 0)).pow(2),
  crossEntropy: x => x.crossEntropy([2, 0]),
  mseLoss: x =>
    x.mseLoss([
      [1, 0, 0],
      [0, 1, 0],
    ]),
  klDiv: x =>
    x.logSoftmax(-1).klDiv([
      [0.2, 0.3, 0.5],
      [0.1, 0.1, 0.8],
    ]),
  cosineSimilarity: x => x.cosineSimilarity([1, 2, 3], -1),
}

/** Distinct numbers that keep away from corners, also when moved by a small step. */
const numbers = [-1.75, -1.45, -1.15, -0.85, -0.55, -0.25, 0.25, 0.65, 0.95, 1.25, 1.55, 1.85]
const elements = fc.shuffledSubarray(numbers, { minLength: 6, maxLength: 6 })
const directions = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 6, maxLength: 6 })

const STEP = 1e-2

for (const [name, apply] of Object.entries(functions))
  test(`${name}: the gradient tells how much a small step changes the value`, async t => {
    await fc.assert(
      fc.asyncProperty(elements, directions, async (data, direction) => {
        const at = (by: number): Tensor =>
          tensor(
            data.map((value, i) => value + (by * STEP * direction[i]) / 4),
            { dims: [2, 3] },
          )
        const lossOf = (x: Tensor): Tensor => {
          const y = apply(x)
          return y.mul(y.mul(0.3).cos()).sum()
        }
        const x = at(0)
        const gradient = await grad(lossOf(x), x).value()
        const along = (gradient.tolist() as number[][]).flat().reduce((sum, g, i) => sum + (g * direction[i]) / 4, 0)
        const [after, before] = [
          Number((await lossOf(at(1)).value()).item()),
          Number((await lossOf(at(-1)).value()).item()),
        ]
        const due = (after - before) / (2 * STEP)
        if (Math.abs(along - due) > 2e-2 * (1 + Math.abs(due)) + 1e-4 * Math.abs(after))
          throw new Error(`${along}, and by differences ${due}`)
      }),
      { numRuns: many(12) },
    )
    t.pass()
  })
