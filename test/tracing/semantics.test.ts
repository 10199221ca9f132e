import test from 'ava'
import { Info, invoke, load, type Model, type OnnsightError, s, skip, type Tensor, Tracer, tensor } from 'onnsight'
import { save, stop, trace } from 'onnsight/trace.macro'

const inputs = { input_ids: [[18, 47, 56, 57]] }
let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => model?.release())

const numbers = (value: Tensor): number[] => Array.from(value.data as Float32Array)
const code = (error: unknown): string => (error as OnnsightError).code

test('a saved value is there after the trace, in the variable of the block', async t => {
  let hidden!: Tensor
  await trace(model, inputs, () => {
    hidden = save(model.transformer.h[1].output)
  })
  t.deepEqual([...hidden.dims], [1, 4, 128])
  t.is(hidden.data.length, 512)
})

test('an unsaved value throws on first touch, naming the line that read it', async t => {
  let hidden!: Tensor
  await trace(model, inputs, () => {
    hidden = model.transformer.h[1].output
  })
  const error = t.throws(() => hidden.data) as OnnsightError
  t.is(error.code, 'not-saved')
  t.regex(error.message, /transformer\.h\.1\.output was used after its trace/)
  t.regex(error.message, /> 27 \|\s+hidden = model\.transformer\.h\[1\]\.output/)
})

test('plain JavaScript values always push', async t => {
  let count = 0
  const seen: number[] = []
  await trace(model, inputs, () => {
    for (const layer of model.transformer.h) seen.push(layer.output.dims.length)
    count = seen.length
  })
  t.is(count, 4)
  t.deepEqual(seen, [3, 3, 3, 3])
})

test('if the block throws, or the run, outer variables stay as they were', async t => {
  let value: unknown = 'before'
  await t.throwsAsync(
    trace(model, inputs, () => {
      value = 1
      throw new TypeError('mine')
    }),
    { instanceOf: TypeError, message: 'mine' },
  )
  t.is(value, 'before')
  await t.throwsAsync(
    trace(model, { input_ids: [[1]] }, () => {
      value = 2
      model.transformer.wte.input = 999999
      return model.lm_head.output
    }),
    { code: 'run' },
  )
  t.is(value, 'before')
})

test('stop() ends the block; what was recorded up to there runs', async t => {
  let first: Tensor | undefined
  let second: unknown = 'untouched'
  await trace(model, inputs, () => {
    first = save(model.transformer.h[0].output)
    stop()
    second = 1
  })
  t.deepEqual([...(first as Tensor).dims], [1, 4, 128])
  t.is(second, 'untouched')
})

test('an empty block runs the model unchanged', async t => {
  t.is(await trace(model, inputs, () => {}), undefined)
})

test('a read before a write keeps the old value, a later read has the new one', async t => {
  const { before, after, logits } = await trace(model, inputs, () => {
    const before = model.transformer.h[1].output
    model.transformer.h[1].output = before.mul(0)
    return { before, after: model.transformer.h[1].output, logits: model.lm_head.output }
  })
  const plain = await model.run(inputs)
  t.true(numbers(before).some(x => x !== 0))
  t.true(numbers(after).every(x => x === 0))
  t.notDeepEqual(numbers(logits), numbers(plain.logits))
})

test('the same trace before and after an unrelated one is equal to the bit', async t => {
  const run = () => trace(model, inputs, () => model.lm_head.output)
  const first = numbers(await run())
  await trace(model, inputs, () => {
    model.transformer.h[0].output = 0
    return model.lm_head.output
  })
  t.deepEqual(numbers(await run()), first)
})

test('an unedited run is plain onnxruntime’s', async t => {
  const whole = await load('test/fixtures/models/chars.onnx', { blocks: 1 })
  const [a, b] = [await whole.run(inputs), await model.run(inputs)]
  await whole.release()
  const ort = await import('onnxruntime-node')
  const session = await ort.InferenceSession.create('test/fixtures/models/chars.onnx')
  const bare = await session.run({ input_ids: new ort.Tensor('int64', [18n, 47n, 56n, 57n], [1, 4]) })
  t.deepEqual(numbers(a.logits), Array.from(bare.logits.data as Float32Array))
  t.true(numbers(b.logits).every((x, i) => Math.abs(x - (bare.logits.data as Float32Array)[i]) < 2e-5))
})

test('traces that run concurrently do not see each other', async t => {
  const factors = Array.from({ length: 20 }, (_, i) => i / 10)
  const one = (factor: number) =>
    trace(model, inputs, async () => {
      model.transformer.h[2].output = model.transformer.h[2].output.mul(factor)
      await new Promise(resolve => setTimeout(resolve, factor))
      return save(model.lm_head.output)
    })
  const together = await Promise.all(factors.map(one))
  for (const [i, factor] of factors.entries()) t.deepEqual(numbers(together[i]), numbers(await one(factor)))
  t.notDeepEqual(numbers(together[0]), numbers(together[5]))
})

test('what a user writes into a saved value does not come back in a later trace', async t => {
  const read = () => trace(model, inputs, () => model.transformer.h[0].output)
  const first = await read()
  const before = numbers(first)
  ;(first.data as Float32Array).fill(7)
  t.deepEqual(numbers(await read()), before)
})

test('a condition forces the value, and the block goes on', async t => {
  const [sign, logits] = await trace(model, inputs, () => {
    const h = model.transformer.h[1].output
    const sign = (h.slice(s`0, 0, 0`) as never as number) > 0 ? 1 : -1
    model.transformer.h[2].output = model.transformer.h[2].output.mul(sign * 2)
    return [sign, model.lm_head.output]
  })
  const h = await trace(model, inputs, () => model.transformer.h[1].output)
  t.is(sign, numbers(h)[0] > 0 ? 1 : -1)
  t.notDeepEqual(numbers(logits as Tensor), numbers((await model.run(inputs)).logits))
})

test('writing what has already gone into a forced value is out of order, and both lines are named', async t => {
  const error = (await t.throwsAsync(
    trace(model, inputs, async () => {
      await model.transformer.h[2].output.value()
      model.transformer.h[1].output = 0
      return model.lm_head.output
    }),
  )) as OnnsightError
  t.is(error.code, 'out-of-order')
  t.regex(error.message, /model\.transformer\.h\[1\]\.output = 0/)
  t.regex(error.message, /semantics\.test\.ts:\d+/)
})

for (const [what, value, write] of [
  [
    'a read further along',
    () => model.transformer.h[1].input,
    () => {
      model.transformer.h[0].output = 0
    },
  ],
  [
    'a read within the next module',
    () => model.transformer.h[0].attn.c_attn.input.mul(2),
    () => skip(model.transformer.h[0].ln_1, 0),
  ],
  [
    'a read that another place was written from',
    () => {
      model.transformer.h[0].attn.output = model.transformer.h[0].attn.input
      return model.transformer.h[1].output
    },
    () => {
      model.transformer.h[0].ln_1.output = 0
    },
  ],
] as const) {
  test(`a write comes too late for ${what}, whose value was forced`, async t => {
    const error = (await t.throwsAsync(
      model.trace(inputs, async () => {
        await value().value()
        write()
        return model.lm_head.output
      }),
    )) as OnnsightError
    t.is(error.code, 'out-of-order')
    t.regex(error.message, /semantics\.test\.ts:\d+/)
  })
}

test('a forced read does not stand in the way of writes behind it, nor of the rows of another invoke', async t => {
  const both = await model.trace(inputs, async m => {
    const seen = await m.transformer.h[1].input.value()
    m.transformer.h[1].input = seen.mul(2)
    const again = await m.transformer.h[1].input.value()
    m.transformer.h[1].input = again.mul(2)
    return m.transformer.h[1].output
  })
  t.deepEqual(
    numbers(both),
    numbers(
      await model.trace(inputs, m => {
        m.transformer.h[1].input = m.transformer.h[1].input.mul(4)
        return m.transformer.h[1].output
      }),
    ),
  )
  const [seen, edited] = await model.trace(m => [
    invoke(inputs, async () => (await m.transformer.h[1].input.value()).mul(1)),
    invoke(inputs, () => {
      m.transformer.h[0].output = 0
      return m.transformer.h[1].input
    }),
  ])
  t.true(numbers(seen).some(x => x !== 0))
  t.true(numbers(edited).every(x => x === 0))
})

test('a value whose dims are known only when it runs is stretched to its place like any other, or fails', async t => {
  const [mean, written] = await trace(model, inputs, () => {
    const h = model.transformer.h[0].output.mean(1, { keepdim: true })
    const mean = model.transformer.ln_f(h)
    model.transformer.h[1].output = mean
    return [mean, model.transformer.h[1].output]
  })
  t.deepEqual([...mean.dims], [1, 1, 128])
  t.deepEqual([...written.dims], [1, 4, 128])
  t.deepEqual(
    numbers(written),
    [0, 1, 2, 3].flatMap(() => numbers(mean)),
  )
  const error = (await t.throwsAsync(
    trace(model, inputs, () => {
      model.transformer.h[1].output = model.transformer.ln_f(model.transformer.h[0].output.slice(':, :2'))
      return model.lm_head.output
    }),
  )) as OnnsightError
  t.regex(error.code, /^(run|shape)$/)
  t.regex(error.message, /semantics\.test\.ts:\d+/)
})

test('a value computed from itself is a cycle, found before the run', async t => {
  await t.throwsAsync(
    trace(model, inputs, () => {
      model.transformer.h[0].output = model.transformer.h[3].output
      return model.lm_head.output
    }),
    { code: 'cycle', message: /transformer\.h\.0\.output/ },
  )
})

test('a value of an earlier trace that was not saved is refused', async t => {
  let earlier!: Tensor
  await trace(model, inputs, () => {
    earlier = model.transformer.h[1].output
  })
  await t.throwsAsync(
    trace(model, inputs, () => {
      model.transformer.h[1].output = earlier
      return model.lm_head.output
    }),
    { code: 'not-saved' },
  )
})

test('wrong shapes and dtypes are refused at the user’s line, before anything runs', async t => {
  const shape = (await t.throwsAsync(
    trace(model, inputs, () => {
      model.transformer.h[1].output = tensor([[1, 2, 3]])
    }),
  )) as OnnsightError
  t.is(shape.code, 'shape')
  t.regex(shape.message, /> \d+ \|\s+model\.transformer\.h\[1\]\.output = tensor/)
  await t.throwsAsync(
    trace(model, inputs, () => model.transformer.h[1].output.mul(tensor(new Float32Array(64)))),
    { code: 'shape', message: /mul: \[1, 4, 128\] and \[64\] do not broadcast/ },
  )
})

test('save outside a trace, a module outside a trace, a callback that outlives its trace', async t => {
  t.is(code(t.throws(() => model.transformer.h[1].output)), 'outside-trace')
  let late!: () => unknown
  await model.trace(inputs, m => {
    late = () => m.transformer.h[1].output
  })
  t.is(code(t.throws(() => late())), 'outside-trace')
  let later!: Promise<unknown>
  await model.trace(inputs, m => {
    later = new Promise(resolve => setTimeout(resolve, 30)).then(() => m.transformer.h[1].output)
  })
  await t.throwsAsync(later, { code: 'trace-ended' })
})

test('Tracer.toJSON and fromJSON: args, kwargs and info; restored with start line 0', t => {
  const info = new Info(['x = 1'], undefined, 12, undefined, 'a.ts')
  const tracer = new Tracer([model, inputs], {}, undefined, info)
  const restored = Tracer.fromJSON(JSON.parse(JSON.stringify(tracer)), model)
  t.deepEqual(restored.args.slice(1), [inputs])
  t.is(restored.info?.startLine, 0)
  t.deepEqual(restored.info?.source, ['x = 1'])
  t.is(restored.info?.filename, 'a.ts')
})

test('the plain function does the same as the macro', async t => {
  const withMacro = await trace(model, inputs, () => {
    model.transformer.h[1].mlp.output.set(s`:, -1`, 0)
    return model.lm_head.output
  })
  const plain = await model.trace(inputs, m => {
    m.transformer.h[1].mlp.output.set(s`:, -1`, 0)
    return m.lm_head.output
  })
  t.deepEqual(numbers(plain), numbers(withMacro))
})

test.serial(
  'explain: blocks before an edit are reused on the same inputs, those after the last value are skipped',
  async t => {
    const ids = { input_ids: [[1, 2, 3, 4, 5]] }
    await model.trace(ids, m => m.transformer.h[2].output)
    const report = await model.explain(() =>
      model.trace(ids, m => {
        m.transformer.h[2].output = m.transformer.h[2].output.mul(2)
        return m.transformer.h[2].output
      }),
    )
    const [{ steps, skipped }] = report.traces
    t.is(steps.filter(step => step.kind === 'reused').length, 4)
    t.deepEqual([...skipped], ['transformer.h.3', 'after the layers'])
  },
)

test('explain tells of the traces in its own body, not of those that run meanwhile', async t => {
  const ids = [[1, 2, 3]]
  const [one, other] = await Promise.all([
    model.explain(async () => {
      await model.trace(ids, m => m.transformer.h[0].output)
      await model.trace(ids, m => m.transformer.h[0].output)
    }),
    model.explain(() => model.trace(ids, m => m.lm_head.output)),
    model.run({ input_ids: ids }),
  ])
  t.is(one.traces.length, 2)
  t.is(other.traces.length, 1)
  t.deepEqual(other.traces[0].skipped, [])
  const nested = await model.explain(async () => {
    await model.explain(() => model.run({ input_ids: ids }))
    await model.run({ input_ids: ids })
  })
  t.is(nested.traces.length, 2)
})

test('async functions of a block that run side by side all stand in it', async t => {
  const layer = (i: number): Tensor => model.transformer.h[i].output.sum()
  const due = await trace(model, inputs, () => [0, 1, 2].map(i => layer(i)))
  const got = await trace(model, inputs, async () => {
    const twice = async (i: number): Promise<Tensor> => {
      const first = await layer(i).value()
      return layer(i).add(first)
    }
    return Promise.all([twice(0), twice(1), twice(2)])
  })
  for (const [i, sum] of got.entries()) t.true(Math.abs(Number(sum.item()) - 2 * Number(due[i].item())) < 1e-2)
})
