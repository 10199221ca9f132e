import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, type Model, type Tensor, WorkerBackend } from 'onnsight'
import { all, cache, edit, generate, invoke, iter, s, save, scan, session, trace } from 'onnsight/trace.macro'
import * as ort from 'onnxruntime-node'
import { near } from '../near.ts'

const ids = [[18, 47, 56, 57]]
let model!: Model
let plain!: Tensor
let ablated!: Tensor
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
  plain = await model.trace(ids, m => m.lm_head.output)
  // The same edit without heads, written as columns of the linear layer's input.
  ablated = await model.trace(ids, m => {
    m.transformer.h[1].attn.c_proj.input.set('..., 64:96', 0)
    return m.lm_head.output
  })
})
test.after.always(() => model?.release())

test('in a block of the macro, and in a template', async t => {
  let pattern!: Tensor
  const inBlock = await trace(model, ids, () => {
    const head = model.transformer.h[1].attn.heads[2]
    pattern = save(head.pattern)
    head.z = 0
    return model.lm_head.output
  })
  t.true(near(inBlock, ablated, 1e-5))
  t.false(near(inBlock, plain, 1e-3))
  t.deepEqual(pattern.dims, [1, 4, 4])
  const { logits, p, whole } = await trace(model, ids)`
    transformer.h[1].attn.heads[2].z[...] = 0
    transformer.h[0].attn.heads[-1].pattern *= 1
    save p = transformer.h[1].attn.heads[2].pattern[0]
    save whole = transformer.h[1].attn.heads.pattern
    save logits = lm_head.output
  `
  t.true(near(logits, ablated, 1e-5))
  t.deepEqual(p.dims, [4, 4])
  t.deepEqual(whole.dims, [1, 4, 4, 4])
})

test('a slice of a part is written; augmented assignment in the macro too', async t => {
  const { scaled, last } = await trace(model, ids, () => {
    const head = model.transformer.h[1].attn.heads[2]
    head.z.set(s`:, :-1`, 0)
    head.z.set(s`:, -1`, 0)
    model.transformer.h[3].attn.heads[0].result = model.transformer.h[3].attn.heads[0].result.mul(0.5)
    return { scaled: model.lm_head.output, last: head.z }
  })
  t.false(near(scaled, ablated, 1e-4))
  t.true([...(last.data as Float32Array)].every(value => value === 0))
})

test('each invoke writes heads of its own rows', async t => {
  const other = [[1, 2, 3, 4]]
  const [first, second, third] = await trace(model, () => [
    invoke(ids, () => {
      model.transformer.h[1].attn.heads[2].result = 0
      return model.lm_head.output
    }),
    invoke(other, () => model.lm_head.output),
    invoke(ids, () => {
      model.transformer.h[1].attn.heads[2].result = 1
      model.transformer.h[1].attn.heads[2].result = 0
      return model.transformer.h[1].attn.heads.result
    }),
  ])
  t.true(near(first, ablated, 1e-4))
  t.true(near(second, await model.trace(other, m => m.lm_head.output), 1e-4))
  t.deepEqual(third.dims, [1, 4, 4, 128])
  t.true([...((await third.slice(':, :, 2').value()).data as Float32Array)].every(value => value === 0))
})

test('a head’s values flow from trace to trace in a session', async t => {
  const patched = await session(model, async () => {
    let z!: Tensor
    await trace(model, [[1, 2, 3, 4]], () => {
      z = model.transformer.h[1].attn.heads[2].z
    })
    return trace(model, ids, () => {
      model.transformer.h[1].attn.heads[2].z = z
      return [model.lm_head.output, model.transformer.h[1].attn.heads[2].z, z]
    })
  })
  t.true(near(patched[1], patched[2], 0))
  t.false(near(patched[0], plain, 1e-3))
})

test('a standing edit of a head applies in every trace, and is saved as plain nodes', async t => {
  const calm = edit(model, m => {
    m.transformer.h[1].attn.heads[2].result = 0
  })
  t.true(near(await trace(calm, ids, () => calm.lm_head.output), ablated, 1e-4))
  const path = join(tmpdir(), `heads-${process.pid}.onnx`)
  try {
    await calm.save(path)
    const run = await ort.InferenceSession.create(path)
    const feed = new ort.Tensor('int64', BigInt64Array.from([18n, 47n, 56n, 57n]), [1, 4])
    const { logits } = await run.run({ input_ids: feed })
    const due = ablated.data as Float32Array
    t.true((logits.data as Float32Array).every((value, i) => Math.abs(value - due[i]) < 1e-4))
    const longer = new ort.Tensor('int64', BigInt64Array.from([18n, 47n, 56n, 57n, 1n, 2n]), [2, 3])
    t.deepEqual((await run.run({ input_ids: longer })).logits.dims, [2, 3, 65])
  } finally {
    rmSync(path, { force: true })
  }
})

test('a cache holds what follows from a written head', async t => {
  const acts = await trace(model, ids, () => {
    const kept = cache({ modules: model.transformer.h })
    model.transformer.h[1].attn.heads[2].z = 0
    return kept
  })
  const due = await model.trace(ids, m => {
    m.transformer.h[1].attn.c_proj.input.set('..., 64:96', 0)
    return m.transformer.h[3].output
  })
  t.true(near(acts.get('transformer.h.3').output, due, 1e-5))
})

test('a recording that reads and writes heads is data: it runs from JSON, and in a worker', async t => {
  const graph = await model.record(ids, m => {
    m.transformer.h[1].attn.heads[2].result = 0
    return { logits: m.lm_head.output, pattern: m.transformer.h[1].attn.heads[2].pattern }
  })
  const { logits, pattern } = (await model.runGraph(JSON.parse(JSON.stringify(graph)))) as Record<string, Tensor>
  t.true(near(logits, ablated, 1e-4))
  t.deepEqual(pattern.dims, [1, 4, 4])
  const backend = new WorkerBackend()
  try {
    const there = await trace(model, ids, { backend }, () => {
      model.transformer.h[1].attn.heads[2].result = 0
      return model.lm_head.output
    })
    t.true(near(there, logits, 0))
  } finally {
    backend.release()
  }
})

test('in a generation, with the cache and without: queries of the step, keys so far', async t => {
  const cached = await load('test/fixtures/models/chars-cache.onnx')
  for (const decoder of [model, cached]) {
    const hasCache = decoder === cached
    const dims: (readonly (number | undefined)[])[] = []
    const off = await generate(decoder, ids, { maxNewTokens: 4 }, m => {
      const head = m.transformer.h[1].attn.heads[2]
      head.z = 0
      dims.push(head.pattern.dims, head.k.dims)
      const kept = all(() => head.pattern)
      return [head.pattern, kept]
    })
    t.deepEqual(dims.at(-2), hasCache ? [1, 1, 7] : [1, 7, 7])
    t.deepEqual(dims.at(-1), hasCache ? [1, 1, 32] : [1, 7, 32])
    t.deepEqual(off.ids.dims, [1, 8])
    const same = await generate(decoder, ids, { maxNewTokens: 4 }, m => {
      m.transformer.h[1].attn.c_proj.input.set('..., 64:96', 0)
      iter(s`0`, () => m.lm_head.output)
    })
    t.deepEqual(off.ids.tolist(), same.ids.tolist())
  }
  await cached.release()
})

test('scan tells a head’s dims; nothing runs', async t => {
  const dims = await scan(model, ids, () => {
    const { heads } = model.transformer.h[1].attn
    return [heads[0].q.dims, heads.pattern.dims, heads[3].result.dims]
  })
  t.deepEqual(dims, [
    [1, 4, 32],
    [1, 4, 4, 4],
    [1, 4, 128],
  ])
})
