import test from 'ava'
import 'onnsight'
import type { Tensor } from 'onnsight'
import { einsum } from '#dist/runtime/tensor/ops/einsum.js'
import { toTensor } from '#dist/runtime/tensor/values/convert.js'

/* bfloat16 exists only inside graphs. onnxruntime's CPU kernels lack it, so each operation casts its inputs and results. */

const operations: Record<string, (x: Tensor) => Tensor> = {
  add: x => x.add(1),
  pow: x => x.pow(2),
  mod: x => x.mod(3),
  floorDivide: x => x.floorDivide(2),
  clamp: x => x.clamp(0, 1),
  where: x => x.where(x.gt(0), 0),
  gelu: x => x.gelu(),
  silu: x => x.silu(),
  softmax: x => x.softmax(-1),
  logSoftmax: x => x.logSoftmax(-1),
  layerNorm: x => x.layerNorm(2),
  mean: x => x.mean(),
  var: x => x.var(-1),
  max: x => x.max(-1).values,
  topk: x => x.topk(1).values,
  cumsum: x => x.cumsum(0),
  norm: x => x.norm(2, -1),
  logsumexp: x => x.logsumexp(-1),
  matmul: x => x.matmul(x),
  einsum: x => einsum('ij,jk->ik', x, x),
  crossEntropy: x => x.crossEntropy([0, 1]),
  cosineSimilarity: x => x.cosineSimilarity([1, 2], -1),
}

for (const [name, apply] of Object.entries(operations)) {
  test(`${name} in bfloat16`, async t => {
    const x = toTensor([
      [1, 2.5],
      [3, -4],
    ])
    const result = apply(x.to('bfloat16'))
    t.is(result.type, 'bfloat16')
    const [got, want] = [await result.float().value(), await apply(x).value()]
    t.deepEqual(got.dims, want.dims)
    const wanted = Array.from(want.data as Float32Array)
    for (const [i, value] of Array.from(got.data as Float32Array).entries()) {
      t.true(Math.abs(value - wanted[i]) <= 0.03 * Math.max(1, Math.abs(wanted[i])), `${value}, not ${wanted[i]}`)
    }
  })
}
