import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import test from 'ava'
import { load, type Model, save, type Tensor } from 'onnsight'
import { invoke, session } from 'onnsight/trace.macro'

/** It runs in a child process, because a crash of onnxruntime would end this process. */
test('threads of one process load, trace and generate from one file, two at once, and may be ended at any time', async t => {
  t.timeout(120_000)
  const { stdout } = await promisify(execFile)(process.execPath, ['test/engine/threads-child.mjs'], {
    env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: undefined },
  })
  const { first, second, after } = JSON.parse(stdout)
  t.is(first.code, 0)
  t.is(second.code, 0)
  t.is(new Set(first.sums).size, 8)
  t.deepEqual(after, first)

  const model = await load('test/fixtures/models/chars.onnx', { threads: 1 })
  t.teardown(() => model.release())
  for (const [id, { sums, tokens }] of [
    [1, first],
    [2, second],
  ]) {
    const edited = model.edit(m => {
      m.transformer.h[1].output = m.transformer.h[1].output.mul(1 + id)
    })
    const ids = [[18, 47, 56, id]]
    const sum = await edited.trace(ids, m => {
      const norm = m.transformer.h[0].output.abs().mean()
      m.transformer.h[2].mlp.output = m.transformer.h[2].mlp.output.div(norm)
      return m.lm_head.output.abs().sum()
    })
    t.true(Math.abs(Number(sum.item()) - sums[0]) < 1e-4 * sums[0])
    t.deepEqual((await edited.generate(ids, { maxNewTokens: 6 })).ids.tolist(), tokens)
  }
})

const bits = (values: readonly Tensor[]): string =>
  values.map(({ data }) => Buffer.from((data as Float32Array).slice().buffer).toString('base64')).join()

test('50 traces and 3 generations side by side on one model, edited and not, give what they give in turn', async t => {
  t.timeout(120_000)
  const model = await load('test/fixtures/models/chars.onnx')
  t.teardown(() => model.release())
  const edited = model.edit(m => {
    m.transformer.h[2].output = m.transformer.h[2].output.mul(0.5)
  })
  const forms: ((m: Model, i: number) => Promise<readonly Tensor[]>)[] = [
    (m, i) => m.trace([[18, 47, 56, i]], inner => [inner.lm_head.output, inner.transformer.h[i % 4].output]),
    (m, i) =>
      m.trace([[i, 47, 56]], async inner => {
        const seen = await inner.transformer.h[0].output.value()
        inner.transformer.h[1].mlp.output = seen.mul(i / 50)
        return [inner.lm_head.output]
      }),
    (m, i) =>
      m.trace(() => {
        let h!: Tensor
        return [
          invoke([[1, 2, 3, i]], () => {
            h = m.transformer.h[0].output
            return h.mean()
          }),
          invoke([[4, i, 6, 7]], () => {
            m.transformer.h[2].output = h
            return m.lm_head.output
          }),
        ]
      }),
    (m, i) =>
      session(m, async () => {
        let h!: Tensor
        await m.trace([[1, i, 3]], inner => {
          h = save(inner.transformer.h[1].output)
        })
        return [
          await m.trace([[i, i, 3]], inner => {
            inner.transformer.h[1].output = h
            return inner.lm_head.output
          }),
        ]
      }),
  ]
  const tasks = [
    ...Array.from({ length: 50 }, (_, i) => () => forms[i % 4](i % 3 === 0 ? edited : model, i).then(bits)),
    ...[model, edited, model].map((m, i) => async () => {
      const { ids, values } = await m.generate([[18 + i, 47, 56]], { maxNewTokens: 5 }, inner =>
        inner.lm_head.output.sum(),
      )
      return bits(values) + JSON.stringify(ids.tolist())
    }),
  ]
  const inTurn: string[] = []
  for (const task of tasks) inTurn.push(await task())
  t.is(new Set(inTurn).size, tasks.length)
  t.deepEqual(await Promise.all(tasks.map(task => task())), inTurn)

  // Nothing of earlier runs is kept here, so plans, sessions and results are made while the others run.
  const fresh = await load('test/fixtures/models/chars.onnx', { reuseBytes: 0, sessionBytes: 2 ** 21 })
  t.teardown(() => fresh.release())
  const own = forms.flatMap((form, kind) => [2, 9].map(i => () => form(fresh, 4 * i + kind)))
  const together = (await Promise.all(own.map(task => task()))).map(bits)
  for (const [i, task] of own.entries()) t.is(bits(await task()), together[i])
})
