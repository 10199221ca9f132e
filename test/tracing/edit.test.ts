import test from 'ava'
import { load, type Model, type OnnsightError, type Tensor, template } from 'onnsight'
import { edit, save, scan, skip, stop, trace } from 'onnsight/trace.macro'

const inputs = { input_ids: [[18, 47, 56, 57]] }
let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => model?.release())

const numbers = (value: Tensor): number[] => Array.from(value.data as Float32Array)
const logits = async (of: Model): Promise<number[]> => numbers(await trace(of, inputs, () => of.lm_head.output))

test('an edited model has the edit in each trace, and the original is as it was', async t => {
  const before = await logits(model)
  const edited = edit(model, m => {
    m.transformer.h[1].mlp.output = 0
  })
  const expected = await trace(model, inputs, () => {
    model.transformer.h[1].mlp.output = 0
    return model.lm_head.output
  })
  t.notDeepEqual(numbers(expected), before)
  t.deepEqual(await logits(edited), numbers(expected))
  t.deepEqual(await logits(edited), numbers(expected))
  t.deepEqual(numbers((await edited.run(inputs)).logits), numbers(expected))
  t.deepEqual(await logits(model), before)
  t.deepEqual(edited.edits[0].source, 'm.transformer.h[1].mlp.output = 0')
  t.regex(String(edited), /edited at test\/tracing\/edit\.test\.ts:\d+/)
})

test('edits stack in their order, before the block, and a block sees them', async t => {
  const once = edit(model, () => {
    model.transformer.h[0].output = model.transformer.h[0].output.add(1)
  })
  const twice = edit(once)`transformer.h[0].output *= 2`
  const thrice = twice.edit(m => {
    m.transformer.h[0].output = m.transformer.h[0].output.sub(3)
  })
  t.is(thrice.edits.length, 3)
  const plain = numbers(await trace(model, inputs, () => model.transformer.h[0].output))
  const seen = numbers(await trace(thrice, inputs, () => thrice.transformer.h[0].output))
  t.deepEqual(
    seen,
    plain.map(value => Math.fround(Math.fround(Math.fround(value + 1) * 2) - 3)),
  )
  const { x } = await thrice.trace(inputs, template`save x = transformer.h[0].output`)
  t.deepEqual(numbers(x), seen)
})

test('an edit in place changes the model, and clearEdits takes it away', async t => {
  const own = await load('test/fixtures/models/chars.onnx')
  const before = await logits(own)
  t.is(
    edit(own, { inplace: true }, () => {
      own.transformer.h[2].attn.output = 0
    }),
    own,
  )
  const after = await logits(own)
  t.notDeepEqual(after, before)
  const { h } = await own.trace(inputs, template`save h = transformer.h[2].attn.output`)
  t.true(numbers(h).every(value => value === 0))
  own.clearEdits()
  t.deepEqual(await logits(own), before)
  t.deepEqual(own.edits, [])
  await own.release()
})

test('an edit may force values, skip modules, and stop itself but not the trace', async t => {
  const edited = edit(model, async () => {
    if (model.transformer.h[0].output.max().gt(-1e9)) skip(model.transformer.h[1])
    stop()
  })
  const plain = numbers(await trace(model, inputs, () => model.transformer.h[0].output))
  t.deepEqual(numbers(await trace(edited, inputs, () => edited.transformer.h[1].output)), plain)
  const error = (await t.throwsAsync(trace(edited, inputs, () => edited.transformer.h[1].mlp.output))) as OnnsightError
  t.is(error.code, 'skipped')
  t.regex(error.message, /transformer\.h\.1, which this trace skips \(test\/tracing\/edit\.test\.ts:\d+:\d+\)/)
})

test('an error in an edit stands at the edit’s own line', async t => {
  const edited = edit(model, () => {
    model.transformer.h[1].output = model.transformer.h[9].output
  })
  const error = (await t.throwsAsync(
    trace(edited, inputs, () => {
      return edited.lm_head.output
    }),
  )) as OnnsightError
  t.regex(error.message, />\s+\d+ \|\s+model\.transformer\.h\[1\]\.output = model\.transformer\.h\[9\]\.output/)
})

test('concurrent traces of an edited model and its original do not see each other', async t => {
  const edited = edit(model, () => {
    model.transformer.h[3].output = model.transformer.h[3].output.mul(2)
  })
  const [one, two] = [await logits(model), await logits(edited)]
  const all = await Promise.all(Array.from({ length: 12 }, (_, i) => logits(i % 2 === 0 ? model : edited)))
  for (const [i, found] of all.entries()) t.deepEqual(found, i % 2 === 0 ? one : two)
})

test('scan tells dims and dtypes of everything, and runs nothing', async t => {
  const { traces } = await model.explain(async () => {
    const shapes = await scan(model, inputs)
    t.deepEqual(shapes.modules['transformer.h.1'].output, { type: 'float32', dims: [1, 4, 128] })
    t.deepEqual(shapes.modules.lm_head.output, { type: 'float32', dims: [1, 4, 65] })
    t.deepEqual(shapes.tensors.input_ids, { type: 'int64', dims: [1, 4] })
    t.regex(String(shapes), /^ {2}lm_head {2}· float32 \[1, 4, 128\] → float32 \[1, 4, 65\]$/m)
    const found = await scan(
      model,
      {
        input_ids: [
          [1, 2],
          [3, 4],
        ],
      },
      () => {
        const pattern = model.transformer.h[0].attn.ops.Softmax[0].output
        const kept = save(pattern.sum(-1))
        return { dims: pattern.dims, type: kept.type, kept }
      },
    )
    t.deepEqual([...found.dims], [2, 4, 2, 2])
    t.deepEqual([...found.kept.dims], [2, 4, 2])
    t.is(found.type, 'float32')
    const error = t.throws(() => found.kept.data) as OnnsightError
    t.is(error.code, 'scanned')
    t.regex(String(found.kept), /float32 \[2, 4, 2\], scanned/)
  })
  t.deepEqual(traces, [])
})

test('scan finds bad interventions, and refuses what needs a value', async t => {
  const shape = (await t.throwsAsync(
    scan(model, inputs, () => {
      model.transformer.h[1].output = model.lm_head.output
    }),
  )) as OnnsightError
  t.is(shape.code, 'shape')
  const cycle = (await t.throwsAsync(
    scan(model, inputs, () => {
      model.transformer.h[0].output = model.transformer.h[2].output
      return model.lm_head.output
    }),
  )) as OnnsightError
  t.is(cycle.code, 'cycle')
  for (const unknown of [
    scan(model, inputs, () => {
      if (model.lm_head.output.max().gt(0)) model.lm_head.output = 0
    }),
    scan(model, inputs)`print(lm_head.output)`,
    model.scan(inputs, async m => {
      await m.lm_head.output.value()
    }),
  ]) {
    const error = (await t.throwsAsync(unknown)) as OnnsightError
    t.is(error.code, 'scanned')
    t.regex(error.message, /does not run the model/)
  }
})

test('skip: a module’s input stands for its output, or a value does; several outputs take one each', async t => {
  const plain = await logits(model)
  const [input, output, end] = await trace(model, inputs, () => {
    skip(model.transformer.h[2])
    return [model.transformer.h[2].input, model.transformer.h[2].output, model.lm_head.output]
  })
  t.deepEqual(numbers(input), numbers(output))
  t.notDeepEqual(numbers(end), plain)
  const named = await trace(model, inputs, () => {
    skip(model.transformer.h[2], { [Object.keys(model.transformer.h[2].outputs)[0]]: model.transformer.h[2].input })
    return model.lm_head.output
  })
  t.deepEqual(numbers(named), numbers(end))
  const { traces } = await model.explain(() =>
    trace(model, inputs, () => {
      skip(model.transformer.h[0], 0)
      return model.transformer.h[0].output
    }),
  )
  t.is(traces.length, 1)
})

for (const [what, block, message] of [
  [
    'a read inside',
    () => model.transformer.h[2].mlp.output,
    /transformer\.h\.2\.mlp\.output is inside transformer\.h\.2/,
  ],
  ['an operation inside', () => model.transformer.h[2].attn.ops.Softmax[0].output, /is inside transformer\.h\.2/],
  ['a write inside', () => (model.transformer.h[2].mlp.output = 0), /is inside transformer\.h\.2/],
  ['a write of its input', () => (model.transformer.h[2].input = 0), /transformer\.h\.2\.input is inside/],
] as const) {
  test(`skip: ${what} is refused, naming the line of the skip`, async t => {
    const error = (await t.throwsAsync(
      model.trace(inputs, m => {
        skip(m.transformer.h[2])
        return block()
      }),
    )) as OnnsightError
    t.is(error.code, 'skipped')
    t.regex(error.message, message)
    t.regex(error.message, /skips \(.*edit\.test\.ts:\d+:\d+\)/)
  })
}

test('skip: what was written inside before would be lost, and is refused', async t => {
  const error = (await t.throwsAsync(
    trace(model, inputs, () => {
      model.transformer.h[2].mlp.output = 0
      skip(model.transformer.h[2])
      return model.lm_head.output
    }),
  )) as OnnsightError
  t.is(error.code, 'skipped')
})
