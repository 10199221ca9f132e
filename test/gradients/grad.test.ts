import test from 'ava'
import {
  detach,
  grad,
  invoke,
  jvp,
  load,
  type Model,
  save,
  type Tensor,
  template,
  tensor,
  valueAndGrad,
  WorkerBackend,
  withGrad,
} from 'onnsight'
import { trace } from 'onnsight/trace.macro'
import { graph, model as handModel, node, OnnxType, saved, value } from '../model/hand-graph.ts'

const model = await load('test/fixtures/models/chars.onnx')
const ids = [[18, 47, 56, 57, 58]]
const width = 128

test.after.always(() => model.release())

const numbers = (values: Tensor): number[] => Array.from(values.data as Float32Array)

/** The largest difference between two tensors, as a share of the largest element of the second. */
function off(a: Tensor, b: Tensor): number {
  const [x, y] = [numbers(a), numbers(b)]
  const largest = Math.max(...y.map(Math.abs))
  return Math.max(...x.map((each, i) => Math.abs(each - y[i]))) / largest
}

const loss = (): Tensor => model.lm_head.output.slice('0, -1').logSoftmax(-1).slice('46')

/** The loss where a vector is added at the end of a layer's last position. */
async function lossWith(layer: number, added: Tensor): Promise<number> {
  const value = await trace(model, ids, () => {
    model.transformer.h[layer].output.set(':, -1', model.transformer.h[layer].output.slice(':, -1').add(added))
    return loss()
  })
  return value.item() as number
}

test('the gradient at a layer tells how the loss changes when something is added there', async t => {
  const direction = tensor(Array.from({ length: width }, (_, i) => Math.sin(i)))
  const g = await trace(model, ids, () => grad(loss(), model.transformer.h[1].output))
  t.deepEqual(g.dims, [1, 5, width])
  const slope = (await g.slice('0, -1').mul(direction).sum().value()).item() as number
  const step = 1e-2
  const [more, less] = [await lossWith(1, direction.mul(step)), await lossWith(1, direction.mul(-step))]
  t.true(Math.abs(slope) > 1e-3)
  t.true(
    Math.abs((more - less) / (2 * step) - slope) < 2e-3 * Math.abs(slope) + 1e-3,
    `${(more - less) / (2 * step)} ${slope}`,
  )
})

test('a list, an object, operands from outside and weights: each has its gradient, in one pass', async t => {
  const steer = tensor(new Float32Array(width))
  const { layers, added, weight } = await trace(model, ids, () => {
    model.transformer.h[1].output = model.transformer.h[1].output.add(steer)
    return grad(loss(), {
      layers: [model.transformer.h[0].output, model.transformer.h[1].output],
      added: steer,
      weight: model.transformer.ln_f.weights.weight,
    })
  })
  t.deepEqual(layers[0].dims, [1, 5, width])
  t.deepEqual([added.dims, weight.dims], [[width], [width]])
  const sum = await layers[1].sum([0, 1]).value()
  t.true(off(added, sum) < 1e-5)
  t.true(numbers(weight).some(each => Math.abs(each) > 1e-4))
})

test('other lengths of the same trace: each has the gradient that it has alone', async t => {
  const run = (prompt: number[][]) => trace(model, prompt, () => grad(loss(), model.transformer.h[0].output))
  for (const prompt of [[[18, 47, 56]], [[18, 47, 56, 57, 58, 1]], [[1]]]) {
    const alone = await load('test/fixtures/models/chars.onnx')
    const expected = await alone.trace(prompt, m =>
      grad(m.lm_head.output.slice('0, -1').logSoftmax(-1).slice('46'), m.transformer.h[0].output),
    )
    t.deepEqual((await run(prompt)).tolist(), expected.tolist())
    await alone.release()
  }
})

test('writes after the line count, and a read before a write has the gradient of the old value', async t => {
  const both = await trace(model, ids, () => {
    const old = model.transformer.h[2].output
    const g = grad(loss(), old)
    model.transformer.h[2].output = old.mul(2)
    return { g, changed: grad(loss(), model.transformer.h[2].output) }
  })
  t.true(off(both.g, await both.changed.mul(2).value()) < 1e-6)
})

test('modules that share a tensor are places of their own: an input has what its module passes back alone', async t => {
  const g = await trace(model, ids, () =>
    grad(loss(), {
      layer: model.transformer.h[2].input,
      attention: model.transformer.h[2].ln_1.input,
      middle: model.transformer.h[2].ln_2.input,
    }),
  )
  t.true(off(g.layer, g.attention) > 0.1)
  t.true(off(g.attention, g.middle) > 0.1)
})

test('modules that end with the same tensor have one output: its gradient is the same at each, until something is written between', async t => {
  const { attn } = model.transformer.h[2]
  const read = () => attn.c_proj.output.mul(attn.c_proj.output).sum()
  const { inner, outer, value } = await trace(model, ids, () => ({
    ...grad(read(), { inner: attn.c_proj.output, outer: attn.output }),
    value: attn.output,
  }))
  t.true(off(outer, await value.mul(2).value()) < 1e-6)
  t.deepEqual(inner.tolist(), outer.tolist())
  const written = await trace(model, ids, () => {
    attn.output = attn.output.mul(3)
    return grad(read().add(attn.output.sum()), { inner: attn.c_proj.output, outer: attn.output })
  })
  t.true(off(written.inner, await value.mul(2).add(3).value()) < 1e-6)
  t.deepEqual(new Set(numbers(written.outer)), new Set([1]))
})

test('a model in float16: its gradient runs in float32, where steep norms do not overflow and small values stay', async t => {
  const half = await load('test/fixtures/models/chars-fp16.onnx')
  t.teardown(() => half.release())
  const run = (m: Model) =>
    m.trace(ids, () => {
      // The norm of a layer gets values near 0, whose gradient is large; and the loss is small.
      m.transformer.h[1].ln_1.input = m.transformer.h[1].ln_1.input.mul(2 ** -9)
      const loss = m.lm_head.output.slice('0, [-1, 0]').float().logSoftmax(-1).slice('0, 46').mul(1e-3)
      return grad(loss.mul(256), { wte: m.transformer.wte.output, norm: m.transformer.h[1].ln_1.input })
    })
  const [found, expected] = [await run(half), await run(model)]
  for (const place of ['wte', 'norm'] as const) {
    t.is(found[place].type, 'float16')
    t.true(off(await found[place].float().value(), expected[place]) < 0.03, place)
  }
})

test('heads: the gradient of one head’s pattern and of its result has the head’s own dims', async t => {
  const { one, all, z } = await trace(model, ids, () => {
    const { heads } = model.transformer.h[1].attn
    const value = loss()
    return { one: grad(value, heads[1].pattern), all: grad(value, heads.pattern), z: grad(value, heads[2].z) }
  })
  t.deepEqual(
    [one.dims, all.dims],
    [
      [1, 5, 5],
      [1, 4, 5, 5],
    ],
  )
  t.true(numbers(one).some(each => Math.abs(each) > 1e-5))
  t.deepEqual(one.tolist(), (await all.slice(':, 1').value()).tolist())
  t.deepEqual(z.dims, [1, 5, 32])
})

test('heads: the gradient of a result is that of the sum of results, and of what else the block reads it for', async t => {
  const towards = tensor(Array.from({ length: width }, (_, i) => Math.sin(i)))
  const { one, all, sum, own } = await trace(model, ids, () => {
    const { attn } = model.transformer.h[1]
    const { heads } = attn
    return {
      ...grad(loss(), { one: heads[1].result, all: heads.result, sum: attn.c_proj.output }),
      own: grad(heads[2].result.mul(towards).sum().add(loss()), heads[2].result),
    }
  })
  t.deepEqual([one.dims, all.dims], [sum.dims, [1, 5, 4, width]])
  t.deepEqual(one.tolist(), sum.tolist())
  t.deepEqual((await all.slice(':, :, 3').value()).tolist(), sum.tolist())
  t.true(
    off(own, await sum.add(towards).value()) < 1e-6,
    String([numbers(own).slice(0, 4), numbers(sum).slice(0, 4), numbers(towards).slice(0, 4)]),
  )
  const written = await trace(model, ids, () => {
    const { attn } = model.transformer.h[1]
    attn.heads[1].result = attn.heads[1].result.mul(2)
    return grad(loss(), {
      changed: attn.heads[1].result,
      other: attn.heads[0].result,
      after: attn.c_proj.output,
    })
  })
  t.true(off(written.changed, written.after) < 1e-5)
  t.true(off(written.other, written.after) < 1e-5)
  t.true(off(written.after, sum) > 1e-3)
})

test('detach: a path counts as a constant, as a function and as a method', async t => {
  const { whole, none, half } = await trace(model, ids, () => {
    const h = model.transformer.h[3].output
    const value = h.mul(h).sum()
    return {
      whole: grad(value, h),
      none: grad(h.mul(h.detach()).sum().add(value.mul(0)), h),
      half: grad(detach(h).mul(h).sum(), h),
    }
  })
  t.true(off(whole, await half.mul(2).value()) < 1e-6)
  t.deepEqual(none.tolist(), half.tolist())
})

test('withGrad: what flows back at a place is cut, scaled, or changed with other values of the trace', async t => {
  const plain = await trace(model, ids, () => grad(loss(), model.transformer.h[0].output))
  const scaled = await trace(model, ids, () => {
    withGrad(model.transformer.h[2].output, g => g.mul(3))
    return { g: grad(loss(), model.transformer.h[0].output), logits: model.lm_head.output }
  })
  t.true(off(scaled.g, await plain.mul(3).value()) < 1e-5)
  const unchanged = await trace(model, ids, () => model.lm_head.output)
  t.true(off(scaled.logits, unchanged) < 1e-6)
  // Without what flows back through the attention and the MLP, the residual stream passes the gradient as it is.
  const { through, straight } = await trace(model, ids, () => {
    withGrad(model.transformer.h[1].attn.output, g => g.mul(0))
    withGrad(model.transformer.h[1].mlp.output, g => g.mul(0))
    return grad(loss(), { through: model.transformer.h[0].output, straight: model.transformer.h[1].output })
  })
  t.true(off(through, straight) < 1e-6)
  const masked = await trace(model, ids, () => {
    const mask = model.transformer.h[1].output.gt(0).float()
    withGrad(model.transformer.h[1].output, g => g.mul(mask))
    return grad(loss(), { before: model.transformer.h[1].output, mask: model.transformer.h[0].output })
  })
  t.true(numbers(masked.mask).some(each => each !== 0))
})

test('withGrad: what its function detaches is a constant for a gradient of the gradient', async t => {
  const x = tensor([1, 2, 3])
  const second = (constant: (g: Tensor) => Tensor): Promise<Tensor> => {
    // What flows back from x³ is 3x², and is squared on its way: 9x⁴. So is the gradient of that.
    const cube = withGrad(x, g => g.mul(constant(g))).pow(3)
    return grad(grad(cube.sum(), x).sum(), x).value()
  }
  t.true(off(await second(g => g), tensor([1, 2, 3].map(each => (36 * each ** 3) ** 2))) < 1e-5)
  for (const constant of [detach, (g: Tensor) => g.detach(), (g: Tensor) => detach(g.mul(2)).div(2)])
    t.true(off(await second(constant), tensor([1, 2, 3].map(each => (18 * each ** 3) ** 2))) < 1e-5)
})

test('withGrad: its function may be a chain of any length', async t => {
  const plain = await trace(model, ids, () => grad(loss(), model.transformer.h[0].output))
  const { g } = await trace(model, ids, () => {
    withGrad(model.transformer.h[2].output, g => {
      let flow = g
      for (let i = 0; i < 4001; i++) flow = flow.neg()
      return flow
    })
    return { g: grad(loss(), model.transformer.h[0].output) }
  })
  t.true(off(g, await plain.neg().value()) < 1e-6)
})

test('withGrad: what flows back is refused outside of its function, and in it for more than operations', async t => {
  const stray = (use: (g: Tensor, x: Tensor) => Tensor) => {
    const x = tensor([1, 2, 3])
    let kept!: Tensor
    const result = withGrad(x, g => {
      kept = g
      return use(g, x)
    }).exp()
    return { kept, gradient: grad(result.sum(), x) }
  }
  const message = /used outside of the function that withGrad\(\) calls with it/
  for (const value of [
    stray(g => g).kept.mul(2),
    stray(g => withGrad(g, h => h)).gradient,
    stray((g, x) => grad(g.sum(), x)).gradient,
  ])
    await t.throwsAsync(value.value(), { code: 'gradient-argument', message })
  await t.throwsAsync(
    trace(model, ids, () => {
      withGrad(model.transformer.h[2].output, g => model.transformer.ln_f(g))
      return grad(loss(), model.transformer.h[0].output)
    }),
    { code: 'gradient-argument', message },
  )
})

test('loss.backward() and h.grad are the same thing, in nnsight’s words', async t => {
  const { g, same } = await trace(model, ids, () => {
    const value = loss()
    value.backward()
    const h = model.transformer.h[1].output
    return { g: h.grad, same: grad(value, h) }
  })
  t.deepEqual(g.tolist(), same.tolist())
  await t.throwsAsync(
    trace(model, ids, () => model.transformer.h[1].output.grad),
    { message: /no value of this trace has gone backward yet/ },
  )
})

test('a vector that arrives at a value, and the value with its gradient', async t => {
  const seed = tensor(Array.from({ length: 65 }, (_, i) => Math.cos(i)))
  const { byVector, bySum } = await trace(model, ids, () => {
    const logits = model.lm_head.output.slice('0, -1')
    const h = model.transformer.h[2].output
    return { byVector: grad(logits, h, { gradient: seed }), bySum: valueAndGrad(logits.mul(seed).sum(), h) }
  })
  t.true(off(byVector, bySum.grad) < 1e-6)
  t.deepEqual(bySum.value.dims, [])
})

test('jvp: how a value changes along tangents, at places, heads and tensors from outside', async t => {
  const steer = tensor(new Float32Array(width))
  const tangents = {
    layer: tensor(
      Array.from({ length: 5 * width }, (_, i) => Math.sin(i)),
      { dims: [1, 5, width] },
    ),
    // A row of a pattern need not sum to 1 for its derivative.
    pattern: tensor(
      Array.from({ length: 25 }, (_, i) => Math.cos(i) / 10),
      { dims: [1, 5, 5] },
    ),
    steer: Array.from({ length: width }, (_, i) => Math.cos(2 * i)),
  }
  const { product, logits, back } = await trace(model, ids, () => {
    model.transformer.h[1].output = model.transformer.h[1].output.add(steer)
    const at = { layer: model.transformer.h[0].output, pattern: model.transformer.h[2].attn.heads[1].pattern, steer }
    const logits = model.lm_head.output.slice(':, -1')
    return { product: jvp(logits, at, tangents), logits, back: grad(logits, at, { gradient: logits }) }
  })
  t.deepEqual(product.dims, [1, 65])
  // ⟨u, J·t⟩ = ⟨Jᵀ·u, t⟩
  const dot = (a: Tensor, b: Tensor | number[]) =>
    numbers(a).reduce((sum, each, i) => sum + each * ('data' in b ? numbers(b) : b)[i], 0)
  const behind = dot(back.layer, tangents.layer) + dot(back.pattern, tangents.pattern) + dot(back.steer, tangents.steer)
  t.true(Math.abs(dot(product, logits) / behind - 1) < 1e-4, `${dot(product, logits)} ${behind}`)
  const moved = (by: number) =>
    trace(model, ids, () => {
      model.transformer.h[0].output = model.transformer.h[0].output.add(tangents.layer.mul(by))
      return model.lm_head.output.slice(':, -1')
    })
  const along = await trace(model, ids, () =>
    jvp(model.lm_head.output.slice(':, -1'), model.transformer.h[0].output, tangents.layer),
  )
  const expected = await (await moved(1e-2))
    .sub(await moved(-1e-2))
    .div(2e-2)
    .value()
  t.true(off(along, expected) < 5e-3, String(off(along, expected)))
})

test('jvp: outside of a trace, in a template, and what is refused', async t => {
  const x = tensor([1, 2, 3])
  t.deepEqual((await jvp(x.mul(x), x, [1, 0, 2]).value()).tolist(), [2, 0, 12])
  t.deepEqual(
    (
      await jvp(
        x.mul(x).sum(),
        [x, x],
        [
          [1, 0, 2],
          [0, 1, 0],
        ],
      ).value()
    ).tolist(),
    18,
  )
  const { d } = (await model.trace(
    ids,
    template`save d = jvp(lm_head.output[0, -1], transformer.h[1].output, transformer.h[1].output)`,
  )) as { d: Tensor }
  t.deepEqual(d.dims, [65])
  t.throws(() => jvp(x.mul(x), x, [1, 2]), {
    code: 'gradient-argument',
    message: /dims \[\s?2\s?\], and the tensor \[\s?3\s?\]/,
  })
  t.throws(() => jvp(x.mul(x), { x }, {}), { code: 'gradient-argument', message: /no tangent/ })
})

test('a gradient of a gradient: the product of the Hessian with a vector', async t => {
  const v = tensor(Array.from({ length: width }, (_, i) => Math.sin(3 * i)))
  const slopeAt = (x: Tensor) =>
    trace(model, ids, () => {
      model.transformer.h[3].output.set(':, -1', model.transformer.h[3].output.slice(':, -1').add(x))
      return grad(loss(), x)
    })
  const zero = tensor(new Float32Array(width))
  const product = await trace(model, ids, () => {
    model.transformer.h[3].output.set(':, -1', model.transformer.h[3].output.slice(':, -1').add(zero))
    return grad(grad(loss(), zero).mul(v).sum(), zero)
  })
  const step = 0.05
  const [more, less] = [await slopeAt(await v.mul(step).value()), await slopeAt(await v.mul(-step).value())]
  const expected = await more
    .sub(less)
    .div(2 * step)
    .value()
  t.true(numbers(expected).some(each => Math.abs(each) > 1e-4))
  t.true(off(product, expected) < 0.02, String(off(product, expected)))
})

test('outside of a trace, tensors are differentiated too', async t => {
  const x = tensor([1, 2, 3])
  const g = await grad(x.mul(x).mul(x).sum(), x).value()
  t.deepEqual(g.tolist(), [3, 12, 27])
  const second = await grad(grad(x.exp().sum(), x).mul(x).sum(), x).value()
  t.true(off(second, tensor([1, 2, 3].map(each => (each + 1) * Math.exp(each)))) < 1e-5)
})

test('a gradient that edits the model: the step of an activation up its own gradient raises the loss', async t => {
  const [before, after] = await trace(model, ids, () => {
    const value = loss()
    return [value, value]
  }).then(async ([value]) => {
    const step = await trace(model, ids, () => grad(loss(), model.transformer.h[2].output))
    const moved = await trace(model, ids, () => {
      model.transformer.h[2].output = model.transformer.h[2].output.add(step.mul(0.1))
      return loss()
    })
    return [value.item() as number, moved.item() as number]
  })
  t.true(after > before + 1e-3)
})

test('invokes: each has the gradient of its own rows', async t => {
  const prompts = [[[18, 47, 56, 57]], [[1, 2, 3, 4]]]
  const alone: Tensor[] = []
  for (const prompt of prompts)
    alone.push(
      await trace(model, prompt, () => grad(model.lm_head.output.slice('0, -1, 46'), model.transformer.h[1].output)),
    )
  const together: Tensor[] = []
  await trace(model, () => {
    for (const prompt of prompts) {
      invoke(prompt, () => {
        together.push(save(grad(model.lm_head.output.slice('0, -1, 46'), model.transformer.h[1].output)))
      })
    }
  })
  for (const [i, each] of together.entries()) t.true(off(each, alone[i]) < 1e-5)
})

test('in a template, in a graph as JSON, in another process: the same gradient', async t => {
  const expected = await trace(model, ids, () => grad(loss(), model.transformer.h[1].output))
  const { g } = (await model.trace(
    ids,
    template`
      loss = lm_head.output[0, -1].logSoftmax(-1)[46]
      save g = grad(loss, transformer.h[1].output)
    `,
  )) as { g: Tensor }
  t.true(off(g, expected) < 1e-6)
  const backend = new WorkerBackend()
  const there = await trace(model, ids, { backend }, () =>
    grad(model.lm_head.output.slice('0, -1').logSoftmax(-1).slice('46'), model.transformer.h[1].output),
  )
  t.true(off(there, expected) < 1e-6)
  backend.release()
})

test('a value that is linear in its place has a gradient, though nothing of the value is computed for it', async t => {
  const main = graph({
    nodes: [
      node('DepthToSpace', ['x'], ['y'], { blocksize: 2 }),
      node('Transpose', ['y'], ['z'], { perm: [3, 1, 0, 2] }),
    ],
    inputs: [value('x', OnnxType.FLOAT, [1, 4, 2, 'columns'])],
    outputs: [value('z', OnnxType.FLOAT, ['a', 'b', 'c', 'd'])],
  })
  const linear = await load(saved(handModel(main)))
  const x = tensor(
    Array.from({ length: 24 }, (_, i) => i),
    [1, 4, 2, 3],
  )
  const z = (): Tensor => Object.values(linear.outputs)[0]
  const ones = await linear.trace({ x }, () => grad(z().sum(), linear.inputs.x))
  t.deepEqual([ones.dims, numbers(ones)], [[1, 4, 2, 3], new Array<number>(24).fill(1)])
  const { g, none, nothing } = await linear.trace({ x }, () => ({
    g: grad(z().mul(z().detach()).sum(), linear.inputs.x),
    none: grad(z().sum(), []),
    nothing: grad(z().sum(), {}),
  }))
  t.deepEqual([numbers(g), none, nothing], [numbers(x), [], {}])
  await linear.release()
})
