import test from 'ava'
import { load, type Model, ones, type Tensor } from 'onnsight'
import '../one-thread.ts'

const path = 'test/fixtures/models/chars.onnx'
const ids = [[18, 47, 56, 57, 1, 15]]
const numbers = (tensor: Tensor): number[] => Array.from(tensor.data as Float32Array)
const blocksOf = (steps: readonly { label: string; kind: string }[]) =>
  steps.map(({ label, kind }) => `${kind} ${label}`)

function near(
  t: { true(value: boolean, message?: string): unknown },
  got: Tensor,
  expected: Tensor,
  what: string,
): void {
  const [a, b] = [numbers(got), numbers(expected)]
  const most = Math.max(...b.map(Math.abs))
  t.true(a.length === b.length && a.every((value, i) => Math.abs(value - b[i]) <= 1e-5 * most), what)
}

const given = await ones([1, 6, 128]).value()

/** Reads and writes at block edges, inside blocks, at inputs, and in several blocks at once. */
const traces: Record<string, (m: Model) => Tensor> = {
  nothing: m => m.lm_head.output,
  'an early read': m => m.transformer.h[1].output,
  'a read inside': m => m.transformer.h[2].attn.ops.Softmax[0].output,
  'a write at an edge': m => {
    m.transformer.h[0].output.set(':, -1', 0)
    return m.lm_head.output
  },
  'two reads, one of them between blocks that run together': m =>
    m.transformer.h[0].output.add(m.lm_head.output.mean()),
  'a write of a given value between blocks': m => {
    const before = m.transformer.h[2].output
    m.transformer.h[2].output = given
    return m.lm_head.output.add(before.mean())
  },
  'a write inside': m => {
    m.transformer.h[2].mlp.output = m.transformer.h[2].mlp.output.mul(2)
    return m.lm_head.output
  },
  'a write at an input': m => {
    m.transformer.h[3].input = m.transformer.h[1].output
    return m.lm_head.output
  },
  'two writes, a layer between': m => {
    m.transformer.h[1].attn.output = m.transformer.h[0].output
    m.transformer.h[3].output = m.transformer.h[3].output.tanh()
    return m.lm_head.output
  },
  'a write of what comes later in another block': m => {
    m.transformer.h[2].input = m.transformer.h[1].mlp.output.add(m.transformer.wte.output)
    return m.lm_head.output
  },
}

test('however blocks are grouped, every trace gives the same', async t => {
  const alone = await load(path, { groupBytes: 0 })
  const unedited = await alone.trace(ids, traces.nothing)
  for (const groupBytes of [1, 700_000, 1_200_000, 2 ** 40]) {
    const grouped = await load(path, { groupBytes })
    for (const [name, body] of Object.entries(traces)) {
      const expected = await alone.trace(ids, body)
      near(t, await grouped.trace(ids, body), expected, `${name}, ${groupBytes}`)
      near(t, await grouped.trace(ids, body), expected, `${name}, ${groupBytes}, again`)
      if (name.includes('write')) t.notDeepEqual(numbers(expected), numbers(unedited), name)
    }
    await grouped.release()
  }
  await alone.release()
})

test('untouched groups are one session each; a touched one runs block by block', async t => {
  const model = await load(path, { groupBytes: 1_200_000, reuseBytes: 0 })
  const all = await model.explain(() => model.trace(ids, traces.nothing))
  t.deepEqual(blocksOf(all.traces[0].steps), [
    'shared before the layers … transformer.h.1',
    'shared transformer.h.2 … after the layers',
  ])
  const edited = await model.explain(() => model.trace(ids, traces['a write inside']))
  t.deepEqual(blocksOf(edited.traces[0].steps), [
    'shared before the layers … transformer.h.1',
    'rebuilt transformer.h.2',
    'shared transformer.h.3',
    'shared after the layers',
  ])
  const early = await model.explain(() => model.trace(ids, traces['an early read']))
  t.deepEqual(blocksOf(early.traces[0].steps), ['shared before the layers … transformer.h.1'])
  await model.release()
})

test('the same trace gives the same bits, whatever ran before it', async t => {
  const order = Object.keys(traces)
  const model = await load(path, { groupBytes: 1_200_000 })
  const first = new Map<string, number[]>()
  for (const name of order) first.set(name, numbers(await model.trace(ids, traces[name])))
  for (const name of [...order].reverse())
    t.deepEqual(numbers(await model.trace(ids, traces[name])), first.get(name), name)
  await model.release()
  for (const name of order) {
    const fresh = await load(path, { groupBytes: 1_200_000, reuseBytes: 0 })
    t.deepEqual(numbers(await fresh.trace(ids, traces[name])), first.get(name), name)
    await fresh.release()
  }
})
