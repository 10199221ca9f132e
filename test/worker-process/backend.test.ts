import test from 'ava'
import { load, type Model, type OnnsightError, type Tensor, type TraceReport, WorkerBackend } from 'onnsight'
import { edit, invoke, save, skip, trace } from 'onnsight/trace.macro'
import { near } from '../near.ts'

const inputs = { input_ids: [[18, 47, 56, 57]] }
let model!: Model
const backend = new WorkerBackend()
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => {
  backend.release()
  await model?.release()
})

const numbers = (value: Tensor): number[] => Array.from(value.data as Float32Array)

test('a trace in a worker gives what it gives here', async t => {
  const blocks: Readonly<Record<string, (m: Model) => Tensor | Promise<Tensor>>> = {
    plain: m => m.lm_head.output,
    edited: m => {
      m.transformer.h[1].mlp.output.set(':, -1', new Float32Array(128).fill(0.5))
      return m.lm_head.output.softmax(-1)
    },
    skipped: m => {
      skip(m.transformer.h[2])
      return m.lm_head.output
    },
    applied: m => m.lm_head(m.transformer.ln_f(m.transformer.h[1].output)),
    forced: async m => {
      const h = await m.transformer.h[0].output.value()
      m.transformer.h[2].output = h.mul(2)
      const late = await m.transformer.h[2].output.sum().value()
      return m.lm_head.output.add(late)
    },
  }
  for (const [name, block] of Object.entries(blocks)) {
    let report: TraceReport | undefined
    const there = await model.trace(inputs, { backend, onReport: found => (report = found) }, block)
    t.true(near(there, await model.trace(inputs, block)), name)
    t.true((report?.steps.length ?? 0) > 0, name)
  }
  t.is(backend.pids.length, 1)
})

test('variables, edits and invokes work as they do here', async t => {
  let kept!: Tensor
  const edited = edit(model, m => {
    m.transformer.h[3].output = m.transformer.h[3].output.mul(0.5)
  })
  await trace(edited, inputs, { backend }, () => {
    kept = save(edited.transformer.h[3].output)
  })
  t.true(near(kept, await edited.trace(inputs, m => m.transformer.h[3].output)))
  const [a] = await trace(model, null, { backend }, () => [
    invoke(inputs, () => model.lm_head.output),
    invoke([[1, 2, 3, 4]], () => {}),
  ])
  t.true(near(a, await model.trace(inputs, m => m.lm_head.output)))
})

test('errors come back with their code, and the user’s line', async t => {
  const error = (await t.throwsAsync(
    trace(model, { input_ids: [[1]] }, { backend }, () => {
      model.transformer.wte.input = 9999
      return model.lm_head.output
    }),
  )) as OnnsightError
  t.is(error.code, 'run')
  t.regex(error.message, /onnxruntime failed in the model's node/)
  const own = (await t.throwsAsync(
    trace(model, inputs, { backend }, () => {
      const h = model.lm_head.output
      return h.gather(1, h.argmax(-1, { keepdim: true }))
    }),
  )) as OnnsightError
  t.is(own.code, 'run')
  t.regex(own.message, /> +\d+ \|\s+return h\.gather\(1/)
  t.is(own.message.match(/Do this/g)?.length, 1)
})

/** A block whose run takes seconds: it computes a large product again and again. */
const long = (m: Model): Tensor => {
  let x = m.lm_head.output
    .sum()
    .mul(0)
    .add(new Float32Array(1024 * 1024))
    .reshape(1024, 1024)
  for (let i = 0; i < 60; i++) x = x.matmul(x)
  return x
}

test('the event loop stays free while the worker runs', async t => {
  let ticks = 0
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    ticks++
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 5)
  const start = performance.now()
  await model.trace(inputs, { backend }, m => long(m).sum())
  const took = performance.now() - start
  clearInterval(timer)
  t.true(took > 500, `${took} ms`)
  t.true(longest < took / 2, `${ticks} ticks, the longest wait ${longest} of ${took} ms`)
})

test('an abort ends a run in its middle, and the next one has a new process', async t => {
  const own = new WorkerBackend()
  await model.trace(inputs, { backend: own }, m => m.lm_head.output)
  const [before] = own.pids
  const controller = new AbortController()
  let value: unknown = 'before'
  setTimeout(() => controller.abort(new Error('enough')), 150)
  const start = performance.now()
  await t.throwsAsync(
    trace(model, inputs, { backend: own, signal: controller.signal }, () => {
      value = 'changed'
      return long(model).sum()
    }),
    { message: 'enough' },
  )
  await t.throwsAsync(model.trace(inputs, { backend: own, signal: controller.signal }, long), { message: 'enough' })
  t.true(performance.now() - start < 5000)
  t.is(value, 'before')
  t.true(
    near(
      await model.trace(inputs, { backend: own }, m => m.lm_head.output),
      await model.trace(inputs, m => m.lm_head.output),
    ),
  )
  t.not(own.pids[0], before)
  own.release()
  t.deepEqual(own.pids, [])
})

test('a limit of time ends a run, saying so', async t => {
  const own = new WorkerBackend({ timeoutMs: 200 })
  const error = (await t.throwsAsync(model.trace(inputs, { backend: own }, m => long(m)))) as OnnsightError
  t.is(error.code, 'worker')
  t.regex(error.message, /limit of 200 ms/)
  own.release()
  const patient = new WorkerBackend({ timeoutMs: 120_000 })
  t.truthy(await model.trace(inputs, { backend: patient }, m => m.lm_head.output))
  patient.release()
})

test('kill -9 of the worker in mid-run loses nothing of the caller’s', async t => {
  const own = new WorkerBackend()
  let kept!: Tensor
  let count = 0
  await trace(model, inputs, { backend: own }, () => {
    kept = save(model.lm_head.output)
    count = 1
  })
  const before = numbers(kept)
  const [pid] = own.pids
  setTimeout(() => process.kill(pid, 'SIGKILL'), 200)
  const error = (await t.throwsAsync(
    trace(model, inputs, { backend: own }, () => {
      count = 2
      kept = save(long(model).sum())
    }),
  )) as OnnsightError
  t.is(error.code, 'worker')
  t.regex(error.message, /ended \(SIGKILL\) before the trace was done/)
  t.is(count, 1)
  t.deepEqual(numbers(kept), before)
  const again = await trace(model, inputs, { backend: own }, () => model.lm_head.output)
  t.deepEqual(numbers(again), before)
  own.release()
})

test('a worker that ends in mid-run: with what, and what to do, for each way to end', async t => {
  for (const [signal, told] of [
    ['SIGSEGV', /ended \(SIGSEGV\)[\s\S]*crashed[\s\S]*Do this: run the trace again[\s\S]*one by one/],
    ['SIGABRT', /ended \(SIGABRT\)[\s\S]*crashed/],
    ['SIGKILL', /ended \(SIGKILL\)[\s\S]*memory runs out[\s\S]*Do this: run the trace again[\s\S]*memory/],
    ['SIGTERM', /ended \(SIGTERM\)[\s\S]*Do this: run the trace again/],
  ] as const) {
    const own = new WorkerBackend()
    await model.trace(inputs, { backend: own }, m => m.lm_head.output)
    const [pid] = own.pids
    setTimeout(() => process.kill(pid, signal), 100)
    const error = await t.throwsAsync<OnnsightError>(model.trace(inputs, { backend: own }, m => long(m).sum()))
    t.is(error.code, 'worker')
    t.regex(error.message, told)
    t.true(
      near(
        await model.trace(inputs, { backend: own }, m => m.lm_head.output),
        await model.trace(inputs, m => m.lm_head.output),
      ),
    )
    own.release()
  }
})

test('traces run side by side in one worker, and do not see each other', async t => {
  const plain = await model.trace(inputs, { backend }, m => m.lm_head.output)
  const all = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      model.trace(inputs, { backend }, async m => {
        const h = await m.transformer.h[0].output.value()
        if (i % 2 === 1) m.transformer.h[1].output = h
        return m.lm_head.output
      }),
    ),
  )
  for (const [i, logits] of all.entries()) t.is(near(logits, plain), i % 2 === 0)
})
