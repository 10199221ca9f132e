import { readFileSync } from 'node:fs'
import test from 'ava'
import { load, type Model, type OnnsightError, type Tensor, type TensorLike, WorkerBackend, zeros } from 'onnsight'
import { edit, generate, next, save, session, stop, trace } from 'onnsight/trace.macro'
import * as ort from 'onnxruntime-node'
import { near } from '../near.ts'

const prompt = [[18, 47, 56, 57]]
const { chars } = JSON.parse(readFileSync('test/fixtures/models/chars.vocab.json', 'utf8')) as { chars: string[] }
const encode = (text: string): number[] => [...text].map(char => chars.indexOf(char))
let model!: Model
let cacheless!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars-cache.onnx')
  cacheless = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => {
  await model?.release()
  await cacheless?.release()
})

const rows = (ids: Tensor): number[][] => (ids.tolist() as bigint[][]).map(row => row.map(Number))

/** Decodes greedily with onnxruntime alone. Without a cache, every step runs on the whole sequence. */
async function reference(ids: readonly number[], tokens: number): Promise<number[]> {
  const session = await ort.InferenceSession.create('test/fixtures/models/chars.onnx')
  const all = [...ids]
  for (let i = 0; i < tokens; i++) {
    const input = new ort.Tensor('int64', BigInt64Array.from(all, BigInt), [1, all.length])
    const { logits } = await session.run({ input_ids: input })
    const last = [...(logits.data as Float32Array)].slice(-chars.length)
    all.push(last.indexOf(Math.max(...last)))
  }
  await session.release()
  return all
}

test('after many steps with the same edit and read, a step is one session; its tokens and reads are what they were', async t => {
  const own = await load('test/fixtures/models/chars-cache.onnx')
  const go = async (one: Model, maxNewTokens: number) => {
    const sessions: number[] = []
    const { ids, values } = await one.generate(
      prompt,
      { maxNewTokens, onReport: ({ steps }) => void sessions.push(steps.length) },
      m => {
        m.transformer.h[1].output.set(':, -1, 0:8', 0)
        return m.transformer.h[2].output.slice(':, -1')
      },
    )
    return { sessions, ids: rows(ids)[0], reads: values.map(read => read.tolist()) }
  }
  const { sessions, ids, reads } = await go(own, 32)
  t.true(sessions[0] > 4)
  t.is(sessions.at(-1), 1)
  const again = await go(own, 20)
  t.deepEqual(again.sessions, new Array(20).fill(1))
  t.deepEqual(again.ids, ids.slice(0, prompt[0].length + 20))
  t.deepEqual(again.reads, reads.slice(0, 20))
  t.notDeepEqual(ids, rows((await own.generate(prompt, { maxNewTokens: 32 })).ids)[0])
  await own.release()
})

test('token for token what onnxruntime gives, with a cache and without', async t => {
  const due = [await reference(prompt[0], 30)]
  for (const one of [model, cacheless]) {
    const { ids, steps, values } = await one.generate(prompt, { maxNewTokens: 30 })
    t.deepEqual(rows(ids), due)
    t.deepEqual([ids.type, steps, values], ['int64', 30, []])
    t.deepEqual(rows((await generate(one, { input_ids: prompt }, { maxNewTokens: 30 })).ids), due)
  }
})

test('without a block the steps run on one plan: the same tokens as with an empty block, each reported, ended by a signal', async t => {
  for (const options of [
    { maxNewTokens: 20 },
    { maxNewTokens: 20, temperature: 1, seed: 2, repetitionPenalty: 1.3 },
    { maxNewTokens: 20, numBeams: 3, noRepeatNgramSize: 2 },
  ]) {
    const prompts = [prompt[0], [1, 2]]
    const reports: unknown[] = []
    const onReport = (report: unknown): void => void reports.push(report)
    const plain = await model.generate(prompts, { ...options, onReport })
    const traced = await model.generate(prompts, options, () => undefined)
    t.deepEqual(rows(plain.ids), rows(traced.ids))
    t.is(reports.length, plain.steps)
    const { traces } = await model.explain(() => model.generate(prompts, options))
    t.is(traces.length, plain.steps)
  }
  const controller = new AbortController()
  let steps = 0
  const onReport = (): void => {
    if (++steps === 5) controller.abort(new Error('enough'))
  }
  const error = model.generate(prompt, { maxNewTokens: 20, onReport, signal: controller.signal })
  await t.throwsAsync(error, { message: 'enough' })
  t.is(error.soFar?.steps, 5)
})

test('the block runs in every step, and is told which; the first one sees the prompt, the others one token', async t => {
  const seen: number[] = []
  const { values } = await generate(model, prompt, { maxNewTokens: 8 }, (m, step) => {
    seen.push(step)
    const pattern = m.transformer.h[1].attn.ops.Softmax[0].output
    return { pattern, told: [...pattern.dims], h: m.transformer.h[1].output }
  })
  t.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7])
  for (const [step, { pattern, told, h }] of values.entries()) {
    const count = step === 0 ? 4 : 1
    t.deepEqual(pattern.dims, [1, 4, count, 4 + step])
    t.deepEqual(told, pattern.dims)
    t.deepEqual(h.dims, [1, count, 128])
  }
})

test('with a cache, a step computes what the whole sequence does at its last place', async t => {
  const block = (m: Model): Tensor => m.transformer.h[2].output.slice(':, -1')
  const a = await model.generate(prompt, { maxNewTokens: 12 }, block)
  const b = await cacheless.generate(prompt, { maxNewTokens: 12 }, block)
  t.deepEqual(rows(a.ids), rows(b.ids))
  for (const [i, value] of a.values.entries()) t.true(near(value, b.values[i]))
})

test('a write holds in the steps in which it is made, and changes what is chosen', async t => {
  const plain = rows((await model.generate(prompt, { maxNewTokens: 10 })).ids)[0]
  const { ids } = await generate(model, prompt, { maxNewTokens: 10 }, (m, step) => {
    if (step >= 5) m.transformer.h[2].mlp.output = m.transformer.h[2].mlp.output.neg().mul(4)
  })
  t.deepEqual(rows(ids)[0].slice(0, 9), plain.slice(0, 9))
  t.notDeepEqual(rows(ids)[0], plain)
})

test('the logits of a step can be written: they decide its token', async t => {
  const { ids } = await generate(model, prompt, { maxNewTokens: 3 }, (m, step) => {
    const forced = new Float32Array(65)
    forced[10 + step] = 100
    m.lm_head.output = m.lm_head.output.mul(0).add(forced)
  })
  t.deepEqual(rows(ids), [[...prompt[0], 10, 11, 12]])
})

test('outer variables go from step to step, and come out when generation has ended', async t => {
  let h: Tensor | undefined
  let count = 0
  let kept!: Tensor
  const { values } = await generate(model, prompt, { maxNewTokens: 4 }, m => {
    const before = h
    h = m.transformer.h[3].output.slice(':, -1')
    if (count === 1) kept = save(h)
    count += 1
    return before === undefined ? h : h.sub(before)
  })
  t.is(count, 4)
  const direct = await generate(model, prompt, { maxNewTokens: 4 }, m => m.transformer.h[3].output.slice(':, -1'))
  t.true(near(kept, direct.values[1]))
  t.true(near(values[2], await direct.values[2].sub(direct.values[1]).value()))
  t.throws(() => h?.data, { message: /was never saved/ })
})

test('what fails leaves everything as it was', async t => {
  let last = 'before'
  let steps = 0
  const error = await t.throwsAsync(
    generate(model, prompt, { maxNewTokens: 5 }, (m, step) => {
      last = `step ${step}`
      steps = step
      if (step === 2) m.transformer.h[1].output = m.transformer.h[1].output.slice(':, :, :5')
    }),
  )
  t.is((error as OnnsightError).code, 'shape')
  t.deepEqual([last, steps], ['before', 0])
})

test('stop() ends generation with its step', async t => {
  const { ids, steps, values } = await generate(model, prompt, { maxNewTokens: 50 }, (m, step) => {
    if (step === 2) stop()
    return m.lm_head.output
  })
  t.is(steps, 3)
  t.deepEqual(
    values.map(value => value?.computed),
    [true, true, undefined],
  )
  t.deepEqual(rows(ids)[0], await reference(prompt[0], 3))
})

test('a prompt that has its end is filled up; generation ends when all have', async t => {
  const prompts = ['First Citizen: we are', 'Good morrow, my lords'].map(encode)
  const free = rows((await model.generate(prompts, { maxNewTokens: 30 })).ids)
  const [a, b] = free.map(row => row.slice(21))
  const eos = a.find(token => b.includes(token) && a.indexOf(token) !== b.indexOf(token))!
  const ends = [a.indexOf(eos), b.indexOf(eos)]
  const { ids, steps } = await model.generate(prompts, { maxNewTokens: 30, eosTokenId: [eos, 9999], padTokenId: 3 })
  t.is(steps, Math.max(...ends) + 1)
  t.deepEqual(
    rows(ids).map(row => row.slice(21)),
    [a, b].map((row, i) => row.slice(0, steps).map((token, at) => (at > ends[i] ? 3 : token))),
  )
})

test('prompts of different lengths are padded, and each goes on as it does alone', async t => {
  const prompts = ['ROMEO:', 'Once more unto', 'I'].map(encode)
  const { ids } = await model.generate(prompts, { maxNewTokens: 15, padTokenId: 7 })
  for (const [i, row] of rows(ids).entries()) {
    t.deepEqual(row.slice(-15 - prompts[i].length), await reference(prompts[i], 15))
    t.true(row.slice(0, -15 - prompts[i].length).every(token => token === 7))
  }
  const error = (await t.throwsAsync(cacheless.generate(prompts, { maxNewTokens: 2 }))) as OnnsightError
  t.is(error.code, 'generate')
  t.regex(error.message, /different lengths, and the model has no attention_mask/)
})

test('standing edits hold in every step, of a view and under a session', async t => {
  const steer = Float32Array.from({ length: 128 }, (_, i) => 3 * Math.sin(i))
  const steered = edit(model, m => {
    m.transformer.h[1].output = m.transformer.h[1].output.add(steer)
  })
  const due = await generate(model, prompt, { maxNewTokens: 12 }, m => {
    m.transformer.h[1].output = m.transformer.h[1].output.add(steer)
  })
  const got = await session(steered, async () => (await steered.generate(prompt, { maxNewTokens: 12 })).ids)
  t.deepEqual(rows(got), rows(due.ids))
  t.notDeepEqual(rows(got), rows((await model.generate(prompt, { maxNewTokens: 12 })).ids))
})

test('values flow from a generation to the traces of its session', async t => {
  const [late, direct] = await session(model, async () => {
    let h!: Tensor
    await generate(model, prompt, { maxNewTokens: 3 }, m => {
      h = m.transformer.h[0].output
    })
    const inputs = inputsOf([5])
    const patched = await trace(model, inputs, () => {
      model.transformer.h[0].output = h
      return model.lm_head.output
    })
    return [patched, await trace(model, inputs, () => model.lm_head.output)]
  })
  t.false(near(late, direct))
})

/** The inputs for the first tokens, without a past. */
function inputsOf(ids: readonly number[]): Record<string, TensorLike> {
  const past = model.signature.inputs.filter(({ name }) => name.startsWith('past'))
  return {
    input_ids: [ids as number[]],
    attention_mask: [ids.map(() => 1)],
    position_ids: [ids.map((_, i) => i)],
    ...Object.fromEntries(past.map(({ name }) => [name, zeros([1, 4, 0, 32])])),
  }
}

test('a template runs in every step', async t => {
  const { values, steps } = await generate(model, prompt, { maxNewTokens: 3 })`
    transformer.h[1].output[:, -1] *= 1.5
    save h = transformer.h[2].output[:, -1]
  `
  const due = await generate(model, prompt, { maxNewTokens: 3 }, m => {
    m.transformer.h[1].output.set(':, -1', m.transformer.h[1].output.slice(':, -1').mul(1.5))
    return m.transformer.h[2].output.slice(':, -1')
  })
  t.is(steps, 3)
  for (const [i, { h }] of values.entries()) t.deepEqual(h.data, due.values[i].data)
})

test('next() goes on in the following step; the block begins anew in the one after', async t => {
  const plain = await generate(model, prompt, { maxNewTokens: 4 }, m => m.lm_head.output.slice(':, -1'))
  const { values, steps } = await generate(model, prompt, { maxNewTokens: 4 }, (m, step) => {
    const first = save(m.lm_head.output.slice(':, -1'))
    const now = next()
    return { first, second: m.lm_head.output.slice(':, -1'), step, now }
  })
  t.is(steps, 4)
  t.deepEqual(
    values.map(({ step, now }) => [step, now as unknown as number]),
    [
      [0, 1],
      [2, 3],
    ],
  )
  const got = values.flatMap(({ first, second }) => [first, second])
  for (const [i, value] of got.entries()) t.true(near(value, plain.values[i]))
})

test('next() in a plain function', async t => {
  const plain = await model.generate(prompt, { maxNewTokens: 3 }, m => m.lm_head.output.slice(':, -1'))
  const { values } = await model.generate(prompt, { maxNewTokens: 3 }, async m => {
    const { next, save } = await import('onnsight')
    const first = save(m.lm_head.output.slice(':, -1'))
    await next()
    const second = save(m.lm_head.output.slice(':, -1'))
    await next()
    return [first, second, m.lm_head.output.slice(':, -1')]
  })
  t.is(values.length, 1)
  for (const [i, value] of values[0].entries()) t.true(near(value, plain.values[i]))
})

test('next() past the end is an error with the true count, which the block may catch', async t => {
  const error = (await t.throwsAsync(
    generate(model, prompt, { maxNewTokens: 2 }, () => {
      next()
      next()
    }),
  )) as OnnsightError
  t.is(error.code, 'step')
  t.regex(error.message, /next\(\) asks for step 2, but the generation ended after 2 steps/)
  const { values } = await generate(model, prompt, { maxNewTokens: 2 }, () => {
    const steps = [0]
    try {
      for (;;) steps.push(next() as unknown as number)
    } catch {
      return steps
    }
  })
  t.deepEqual(values, [[0, 1]])
})

test('a step that fails is told to a block that waits in next()', async t => {
  let told: unknown
  const error = await t.throwsAsync(
    model.generate(prompt, { maxNewTokens: 3 }, async m => {
      const { next } = await import('onnsight')
      m.lm_head.output = m.lm_head.output.slice(':, :, :0')
      try {
        await next()
      } catch (failed) {
        told = failed
      }
    }),
  )
  t.truthy(error)
  if (told) t.is(told, error)
})

test('many at once are each as alone', async t => {
  const prompts = ['ROMEO:', 'Once more unto', 'I', 'Good'].map(text => [encode(text)])
  const alone: number[][] = []
  for (const one of prompts) alone.push(rows((await model.generate(one, { maxNewTokens: 10 })).ids)[0])
  const together = await Promise.all(
    prompts.map((one, i) =>
      generate(model, one, { maxNewTokens: 10 }, m => {
        if (i === 2) m.transformer.h[1].output = m.transformer.h[1].output.mul(1)
        return m.lm_head.output
      }),
    ),
  )
  t.deepEqual(
    together.map(({ ids }) => rows(ids)[0]),
    alone,
  )
})

test('in a worker, the same', async t => {
  const backend = new WorkerBackend()
  t.teardown(() => backend.release())
  const block = (m: Model): Tensor => {
    m.transformer.h[1].output = m.transformer.h[1].output.mul(1.2)
    return m.lm_head.output
  }
  const here = await model.generate(prompt, { maxNewTokens: 5 }, block)
  const there = await model.generate(prompt, { maxNewTokens: 5, backend }, block)
  t.deepEqual(rows(there.ids), rows(here.ids))
  for (const [i, value] of there.values.entries()) t.deepEqual(value.data, here.values[i].data)
})

test('the cache may be given: generation goes on from it', async t => {
  const whole = rows((await model.generate(prompt, { maxNewTokens: 6 })).ids)[0]
  const names = model.signature.outputs.filter(({ name }) => name.startsWith('present')).map(({ name }) => name)
  const first = await model.run(inputsOf(prompt[0].slice(0, 3)))
  const past = Object.fromEntries(names.map(name => [name.replace('present', 'past_key_values'), first[name]]))
  const { ids } = await model.generate({ input_ids: [[prompt[0][3]]], ...past }, { maxNewTokens: 6 })
  t.deepEqual(rows(ids)[0], whole.slice(3))
})
