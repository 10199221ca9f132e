import test from 'ava'
import { load, type Model, type OnnsightError } from 'onnsight'
import { assert, invoke, print, trace } from 'onnsight/trace.macro'

const inputs = [[18, 47, 56, 57]]
let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => model?.release())

async function printed(run: () => Promise<unknown>): Promise<string[]> {
  const lines: string[] = []
  const log = console.log
  console.log = (...values: unknown[]) => lines.push(values.map(String).join(' '))
  try {
    await run()
  } finally {
    console.log = log
  }
  return lines
}

test.serial('print shows the value at its line, and nothing is computed twice', async t => {
  const value = (await model.trace(inputs, m => m.transformer.h[0].output.mean())).item() as number
  const { traces } = await model.explain(async () => {
    const lines = await printed(() =>
      trace(model, inputs, () => {
        print('before', model.transformer.h[0].output.mean())
        model.transformer.h[2].output = model.transformer.h[2].output.mul(2)
        print('then', [1])
        return model.lm_head.output
      }),
    )
    t.is(lines.length, 2)
    t.regex(lines[0], /^before Tensor\(float32 \[\]\n/)
    t.true(lines[0].includes(String(Number(value.toPrecision(5)))), lines[0])
    t.is(lines[1], 'then 1')
  })
  t.is(traces.length, 1)
})

test.serial('it works in invokes, loops and async helpers of the block, and in the plain function', async t => {
  const lines = await printed(async () => {
    await trace(model, () => {
      invoke(inputs, () => {
        print('a', model.lm_head.output.dims)
      })
    })
    await trace(model, inputs, async () => {
      for (const row of model.lm_head.output) print(row.argmax())
      const show = async () => {
        print('late')
      }
      await show()
    })
    await model.trace(inputs, async m => {
      const { print: plain } = await import('onnsight')
      await plain(m.lm_head.output.argmax())
    })
  })
  t.deepEqual(
    lines.map(line => line.split('\n')[0]),
    ['a 1,4,65', 'Tensor(int64 []', 'late', 'Tensor(int64 []'],
  )
})

test.serial('a write to what was printed comes too late, and both lines are named', async t => {
  await printed(async () => {
    const error = (await t.throwsAsync(
      trace(model, inputs, () => {
        print(model.lm_head.output.mean())
        model.transformer.h[0].output = 0
        return model.lm_head.output
      }),
    )) as OnnsightError
    t.is(error.code, 'out-of-order')
  })
})

test.serial('assert passes what holds, and names the first element that does not', async t => {
  let value = 0
  await trace(model, inputs, () => {
    assert(model.lm_head.output.isfinite())
    assert(true)
    value = 1
  })
  t.is(value, 1)
  const error = (await t.throwsAsync(
    trace(model, inputs, () => {
      value = 2
      assert(model.transformer.h[0].attn.ops.Softmax[0].output.gt(0), 'a token attends to all')
    }),
  )) as OnnsightError
  t.is(error.code, 'assertion')
  t.regex(error.message, /^An assertion failed \(first at \[0, 0, 0, 1\]\): a token attends to all\./)
  t.regex(error.message, />\s+\d+ \|\s+assert\(/)
  t.is(value, 1)
  const plain = (await t.throwsAsync(
    trace(model, inputs, () => {
      assert(0, 'zero')
    }),
  )) as OnnsightError
  t.regex(plain.message, /^An assertion failed: zero\./)
})
