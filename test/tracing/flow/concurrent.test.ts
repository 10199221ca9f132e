import test from 'ava'
import { load, type Model, type Tensor, WorkerBackend } from 'onnsight'
import { generate, save, session, trace } from 'onnsight/trace.macro'
import { near } from '../../near.ts'

const prompts = [[[18, 47, 56, 57]], [[1, 2, 3, 4]], [[5, 6, 7, 8]], [[9, 10, 11, 12]], [[2, 3, 5, 7]]]
const pause = (ms = 1) => new Promise(resolve => setTimeout(resolve, ms))

/** Counts how many blocks run at the same time. */
const counting = (count: { open: number; most: number }) => ({
  enter() {
    count.most = Math.max(count.most, ++count.open)
  },
  leave() {
    count.open--
  },
})

let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => model?.release())

test('an update is never lost: Promise.all of a map', async t => {
  let sum = 0
  await Promise.all(
    prompts.map(ids =>
      trace(model, ids, () => {
        sum += model.lm_head.output.isfinite().all() ? 1 : 10
      }),
    ),
  )
  t.is(sum, 5)
})

test('an update is never lost: promises gathered in a loop', async t => {
  let sum = 0
  const running: Promise<unknown>[] = []
  for (const ids of prompts)
    running.push(
      trace(model, ids, () => {
        sum++
      }),
    )
  await Promise.all(running)
  t.is(sum, 5)
})

test('an update is never lost: read, wait, write', async t => {
  let sum = 0
  let text = ''
  const all = prompts.map(async (ids, i) => {
    await trace(model, ids, async () => {
      const before = sum
      await pause(5 - i)
      if (model.lm_head.output.isfinite().all()) sum = before + i
      text += `${i}${await pause().then(() => '')}`
    })
  })
  await Promise.all(all)
  t.is(sum, 10)
  t.is(text, '01234')
})

test('an update is never lost: fields of objects, entries of Maps, best values', async t => {
  const stats = { n: 0, deep: { n: 0 } }
  const counts = new Map([['all', 0]])
  const histogram: Record<string, number> = {}
  const best = { value: Number.NEGATIVE_INFINITY, seen: [] as number[] }
  class Counter {
    n = 0
    hit(ids: number[][]) {
      return trace(model, ids, () => {
        this.n = this.n + (model.lm_head.output.isfinite().all() ? 1 : 0)
      })
    }
  }
  const counter = new Counter()
  await Promise.all(
    prompts.map((ids, i) =>
      trace(model, ids, async () => {
        const h = model.lm_head.output
        stats.n += h.isfinite().all() ? 1 : 0
        const before = stats.deep.n
        await pause(5 - i)
        stats.deep.n = before + 1
        counts.set('all', counts.get('all')! + (h.isfinite().all() ? 1 : 0))
        histogram[i % 2] = (histogram[i % 2] ?? 0) + (h.isfinite().all() ? 1 : 0)
        if (h.max().mul(0).add(i).gt(best.value)) {
          best.value = i
          best.seen.push(i)
        }
      }),
    ),
  )
  await Promise.all(prompts.map(ids => counter.hit(ids)))
  t.deepEqual(stats, { n: 5, deep: { n: 5 } })
  t.is(counts.get('all'), 5)
  t.deepEqual(histogram, { 0: 3, 1: 2 })
  t.deepEqual(best, { value: 4, seen: [0, 1, 2, 3, 4] })
  t.is(counter.n, 5)
})

test('traces that only put into an object run side by side', async t => {
  const count = { open: 0, most: 0 }
  const { enter, leave } = counting(count)
  const results: unknown[] = []
  await Promise.all(
    prompts.map((ids, i) =>
      trace(model, ids, async () => {
        enter()
        results[i] = save(model.lm_head.output)
        await pause(5)
        leave()
      }),
    ),
  )
  t.is(results.length, 5)
  t.true(count.most > 1)
})

test('an update is never lost: values of the model', async t => {
  let total = 0
  const one = async (ids: number[][]) => {
    const max = await trace(model, ids, () => model.lm_head.output.max())
    return Number(max.item())
  }
  await Promise.all(
    prompts.map(ids =>
      trace(model, ids, async () => {
        total += Number((await model.lm_head.output.max().value()).item())
      }),
    ),
  )
  let expected = 0
  for (const ids of prompts) expected += await one(ids)
  t.true(Math.abs(total - expected) < 1e-4)
  t.true(total > 0)
})

test('an update is never lost: sessions, generations, nested traces, and another process', async t => {
  let sum = 0
  const backend = new WorkerBackend()
  await Promise.all([
    session(model, async () => {
      await Promise.all([
        trace(model, prompts[0], async () => {
          const before = sum
          await pause(3)
          sum = before + 1
        }),
        trace(model, prompts[1], () => {
          sum += 10
        }),
      ])
    }),
    generate(model, prompts[2], { maxNewTokens: 3 }, async () => {
      const before = sum
      await pause()
      sum = before + 100
    }),
    trace(model, prompts[3], async () => {
      await Promise.all([
        trace(model, prompts[4], async () => {
          const before = sum
          await pause(2)
          sum = before + 1000
        }),
        trace(model, prompts[4], () => {
          sum += 10000
        }),
      ])
    }),
    trace(model, prompts[4], { backend }, () => {
      sum += 100000
      return model.lm_head.output
    }),
  ])
  backend.release()
  t.is(sum, 111311)
})

test('a trace that fails takes back what it assigned, and nothing else', async t => {
  let sum = 0
  const settled = await Promise.allSettled(
    prompts.map((ids, i) =>
      trace(model, ids, async () => {
        sum += 10 ** i
        await pause(3 - i)
        if (i % 2 === 1) throw new TypeError('on purpose')
        if (i === 2) model.transformer.wte.input = 999999
        return model.lm_head.output
      }),
    ),
  )
  t.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled'],
  )
  t.is(sum, 10001)
})

test('what other code assigns while a trace runs stays, whether the trace fails or not', async t => {
  let sum = 0
  const good = trace(model, prompts[0], async () => {
    sum += 1
    await pause(5)
  })
  await pause(2)
  sum += 10
  await good
  t.is(sum, 11)
  let state = 'before'
  const bad = trace(model, prompts[0], () => {
    state = 'in the trace'
    model.transformer.wte.input = 999999
    return model.lm_head.output
  })
  const failed = t.throwsAsync(bad, { code: 'run' })
  // The block's text has ended, but the model has not run yet.
  while (state === 'before') await null
  for (let i = 0; i < 4; i++) await null
  state = 'outside'
  await failed
  t.is(state, 'outside')
})

test('variables of one name in two calls of a function are two variables: their traces run side by side', async t => {
  const count = { open: 0, most: 0 }
  const { enter, leave } = counting(count)
  const one = async (ids: number[][]) => {
    let h!: Tensor
    await trace(model, ids, async () => {
      enter()
      h = save(model.transformer.h[1].output)
      await pause(5)
      leave()
    })
    return h
  }
  const together = await Promise.all(prompts.map(one))
  for (const [i, ids] of prompts.entries()) t.true(near(together[i], await one(ids)))
  t.is(count.most, 5)
})

test('hundreds of traces take their turns', async t => {
  let n = 0
  const begun: number[] = []
  await Promise.all(
    Array.from({ length: 300 }, (_, i) =>
      trace(model, prompts[0], async () => {
        begun.push(i)
        const before = n
        await null
        n = before + 1
      }),
    ),
  )
  t.is(n, 300)
  t.deepEqual(
    begun,
    Array.from({ length: 300 }, (_, i) => i),
  )
})

test('a trace that another one waits for does not wait for it', async t => {
  let n = 0
  const add = (ids: number[][]) =>
    trace(model, ids, async () => {
      n += 1
      await pause()
    })
  // The second block waits for the first, which continues in a third.
  await Promise.all([
    trace(model, prompts[0], async () => {
      n += 10
      await pause(3)
      await add(prompts[1])
      await Promise.all([add(prompts[1]), add(prompts[1])])
    }),
    add(prompts[2]),
    trace(model, prompts[3], async () => {
      n += 100
      await add(prompts[1])
    }),
  ])
  t.is(n, 115)
})
