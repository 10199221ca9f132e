import test from 'ava'
import { load, type Model, type Tensor } from 'onnsight'
import '../one-thread.ts'

const ids = [
  [18, 47, 56, 57, 1, 15],
  [1, 2, 3, 4, 5, 6],
]
const picks = [
  ':, -1',
  '0, -1',
  '1, 0',
  ':, 2:4',
  ':, -2:',
  '..., -1, :',
  ':, [1, 4]',
  ':, :, 3',
  ':, 1:',
  '0',
  ':, 5:6, 0:3',
]

/** Edits that are made before the rows are read. */
const edits: Record<string, (m: Model) => void> = {
  nothing: () => {},
  'a write at the head’s result': m => {
    m.lm_head.output = m.lm_head.output.mul(2)
  },
  'a write at the head’s input': m => {
    m.lm_head.input.set(':, -1', 0)
  },
  'a write at its weight': m => {
    const [name] = Object.keys(m.lm_head.weights)
    m.lm_head.weights[name] = m.lm_head.weights[name].mul(0.5)
  },
}

function near(got: Tensor, expected: Tensor, tolerance: number): boolean {
  const [a, b] = [got, expected].map(tensor => Array.from(tensor.data as Float32Array))
  const most = Math.max(...b.map(Math.abs))
  return a.length === b.length && a.every((value, i) => Math.abs(value - b[i]) <= tolerance * most)
}

for (const [file, tolerance] of [
  ['chars', 1e-5],
  ['chars-fp16', 4e-3],
  ['chars-scopes', 1e-5],
] as const) {
  test(`${file}: rows of the head’s result are those of the whole result`, async t => {
    const model = await load(`test/fixtures/models/${file}.onnx`)
    for (const [name, edit] of Object.entries(edits)) {
      const whole = await model.trace(ids, m => {
        edit(m)
        return m.lm_head.output
      })
      if (name !== 'nothing') {
        const plain = await model.trace(ids, m => m.lm_head.output)
        t.false(near(whole, plain, 0.01), `${name} moved the result`)
      }
      for (const pick of picks) {
        const expected = await whole.to('float32').slice(pick).value()
        const got = await model.trace(ids, m => {
          edit(m)
          return m.lm_head.output.slice(pick).to('float32')
        })
        t.deepEqual([...got.dims], [...expected.dims], pick)
        t.true(near(got, expected, tolerance), `${pick} after ${name}`)
      }
    }
    await model.release()
  })
}

test('rows and the whole result in one trace, rows of rows, and rows of an applied module', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  const whole = await model.trace(ids, m => m.lm_head.output)
  const hidden = await model.trace(ids, m => m.transformer.h[1].output)
  const both = await model.trace(ids, m => ({ row: m.lm_head.output.slice(':, -1'), all: m.lm_head.output }))
  t.true(near(both.row, await whole.slice(':, -1').value(), 1e-5))
  t.true(near(both.all, whole, 1e-5))
  const twice = await model.trace(ids, m => m.lm_head.output.slice(':, 3:5').slice('1, 1'))
  t.true(near(twice, await whole.slice('1, 4').value(), 1e-5))
  const lens = await model.trace(ids, m => m.lm_head(m.transformer.ln_f(m.transformer.h[1].output)).slice(':, -1'))
  const full = await model.trace(ids, m => m.lm_head(m.transformer.ln_f(hidden)))
  t.true(near(lens, await full.slice(':, -1').value(), 1e-5))
  const forced = await model.trace(ids, async m => {
    const row = await m.lm_head.output.slice(':, -1').value()
    return { row, all: m.lm_head.output }
  })
  t.true(near(forced.row, both.row, 1e-5))
  t.true(near(forced.all, whole, 1e-5))
  await model.release()
})

test('the head is rebuilt for the rows that are read, and shared where all are', async t => {
  const model = await load('test/fixtures/models/chars.onnx', { groupBytes: 0 })
  const kindOf = async (pick: string) => {
    const { traces } = await model.explain(() => model.trace(ids, m => m.lm_head.output.slice(pick)))
    return traces[0].steps.find(step => step.label === 'after the layers')?.kind
  }
  t.is(await kindOf(':, -1'), 'rebuilt')
  t.is(await kindOf(':, [1, 4]'), 'rebuilt')
  t.is(await kindOf(':, 1:'), 'shared')
  t.is(await kindOf(':, :, 3'), 'shared')
  // A plan for most rows was made for the same recording with another range.
  t.is(await kindOf(':, 4:'), 'rebuilt')
  t.is(await kindOf(':, 1:'), 'shared')
  await model.release()
})
