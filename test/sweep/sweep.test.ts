import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, type Model, type Tensor } from 'onnsight'
import { readSweep, type SweepOptions, sweep } from 'onnsight/sweep'
import { onnsight } from '../cli/spawn.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-sweep-'))
test.after.always(() => rmSync(folder, { recursive: true }))

let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})

const ids = [[18, 47, 56, 57]]
const over = { layer: [0, 1, 2], strength: [0, 0.5, 2] } as const

type Point = { readonly layer: number; readonly strength: number }

const edit = (m: Model, { layer, strength }: Point): void => {
  const mlp = m.module(`transformer.h.${layer}.mlp`)
  mlp.output = (mlp.output as Tensor).mul(strength)
}
const logits = (m: Model): Tensor => m.module('lm_head').output as Tensor
const measure = (m: Model) => ({ top: logits(m).max(), mean: logits(m).mean() })

const plain: Omit<SweepOptions<typeof over>, 'model'> = { over, inputs: ids, edit, measure }

/** The same numbers by ordinary traces. */
const traced = async ({ layer, strength }: Point): Promise<Record<string, number>> => {
  const { top, mean } = await model.trace(ids, m => {
    edit(m, { layer, strength })
    return measure(m)
  })
  return { top: Number(top.item()), mean: Number(mean.item()) }
}

test('each point of a grid is a row, with the numbers of a trace', async t => {
  const table = await sweep({ model, ...plain })
  t.deepEqual(
    table.rows.map(({ point }) => point),
    over.layer.flatMap(layer => over.strength.map(strength => ({ layer, strength }))),
  )
  for (const { point, values } of table) {
    const expected = await traced(point as Point)
    for (const name of ['top', 'mean']) t.true(Math.abs(values[name] - expected[name]) < 1e-5, name)
  }
  t.true(new Set(table.rows.map(({ values }) => values.top)).size > 5)
})

for (const ending of ['csv', 'jsonl', 'arrow', 'parquet'])
  test(`.${ending}: a table is read as it was, and each row is computed again from the file alone`, async t => {
    const out = join(folder, `table.${ending}`)
    const points = [
      { layer: 1, strength: 2, note: 'a, "b"\nc' },
      { layer: 9, strength: 1, note: '7' },
      { layer: 0, strength: 0, note: 'x' },
    ]
    const table = await sweep({ model, ...plain, over: points, out } as never)
    t.false(existsSync(`${out}.log`))
    const read = await readSweep(out)
    t.deepEqual(
      read.rows.map(({ point, values }) => ({ point, values })),
      table.rows.map(({ point, values }) => ({ point, values })),
    )
    t.regex(read.rows[1].error!, /^unknown-module: /)
    t.is(read.failures.length, 1)
    const again = await read.again(model, 2)
    t.true(Math.abs(again.top - table.rows[2].values.top) < 1e-6)
    const other = await load('test/fixtures/models/induction.onnx')
    t.like(await t.throwsAsync(read.again(other, 2)), { code: 'sweep' })
    await t.throwsAsync(read.again(model, 1), { message: /could not be recorded/ })
    await other.release()
  })

test('a sweep that was stopped goes on, and a larger grid runs its new points alone', async t => {
  const out = join(folder, 'resumed.csv')
  let runs = 0
  const counted = (m: Model, point: Point): void => {
    runs++
    edit(m, point)
  }
  const stopped = await sweep({ model, ...plain, edit: counted, out, stop: rows => rows.length === 4 })
  t.true(stopped.stopped)
  t.is(runs, 4)
  const whole = await sweep({ model, ...plain, edit: counted, out })
  // One point is recorded once more, to see that edit and measure are the same.
  t.is(runs, 10)
  t.false(whole.stopped)
  const undisturbed = await sweep({ model, ...plain })
  t.deepEqual(
    whole.rows.map(({ index, point, values }) => ({ index, point, values })),
    undisturbed.rows.map(({ index, point, values }) => ({ index, point, values })),
  )
  const larger = await sweep({ model, ...plain, over: { ...over, layer: [0, 1, 2, 3] }, edit: counted, out } as never)
  t.is(larger.rows.length, 12)
  t.is(runs, 14)
  t.is((await readSweep(out)).rows.length, 12)
})

test('rows of a sweep that was killed are in its log, and a line that was cut off is computed again', async t => {
  const out = join(folder, 'killed.jsonl')
  const whole = await sweep({ model, ...plain, out })
  const lines = whole.rows.map(row =>
    JSON.stringify({ ...row, values: { top: String(row.values.top), mean: String(row.values.mean) } }),
  )
  rmSync(out)
  writeFileSync(`${out}.log`, `\n${lines[0]}\n\n${lines[1]}\n\n${lines[2].slice(0, 99)}`)
  const again = await sweep({ model, ...plain, out })
  t.deepEqual(
    again.rows.map(({ values }) => values),
    whole.rows.map(({ values }) => values),
  )
  t.deepEqual(
    again.rows.map(({ seconds }) => seconds).slice(0, 2),
    whole.rows.map(({ seconds }) => seconds).slice(0, 2),
  )
  t.not(again.rows[2].seconds, whole.rows[2].seconds)
  appendFileSync(out, '')
})

test('another edit, measure or model is refused; failed points run again with retry', async t => {
  const out = join(folder, 'other.csv')
  let fails = true
  const fragile = (m: Model): unknown => {
    if (fails) throw new Error('no luck')
    return measure(m)
  }
  const failed = await sweep({ model, ...plain, measure: fragile, out })
  t.is(failed.failures.length, 9)
  t.is(failed.rows[0].error, 'no luck')
  fails = false
  t.is((await sweep({ model, ...plain, measure: fragile, out })).failures.length, 9)
  t.is((await sweep({ model, ...plain, measure: fragile, out, retry: true })).failures.length, 0)
  t.like(await t.throwsAsync(sweep({ model, ...plain, measure: m => logits(m).min(), out })), { code: 'sweep' })
})

test('points from an iterator, prompts as an axis, and results that are no numbers', async t => {
  const points = async function* () {
    for (const prompt of [[[1, 2]], [[3, 4, 5]]]) yield { prompt }
  }
  const table = await sweep({ model, over: points(), measure: (m: Model) => logits(m).max() } as never)
  t.is(table.rows.length, 2)
  t.true(table.rows.every(({ values }) => Number.isFinite(values.value)))
  const wide = await sweep({ model, ...plain, measure: m => logits(m) })
  t.regex(wide.rows[0].error!, /a cell of the table holds one number/)
  const nan = await sweep({
    model,
    ...plain,
    measure: m => logits(m).max().sub(1e9).log(),
    out: join(folder, 'nan.csv'),
  })
  t.true(nan.rows.every(({ values }) => Number.isNaN(values.value)))
  t.true((await readSweep(join(folder, 'nan.csv'))).rows.every(({ values }) => Number.isNaN(values.value)))
})

test('the command writes the table that the function gives', async t => {
  const out = join(folder, 'command.csv')
  const args = [
    ...['sweep', 'test/fixtures/models/chars.onnx', '--over', 'layer=0..2', '--over', 'strength=0,0.5,2'],
    ...['--input', `input_ids=${JSON.stringify(ids)}`, '--template'],
    'transformer.h[{layer}].mlp.output *= {strength}\nsave top = lm_head.output.max()\nsave mean = lm_head.output.mean()',
  ]
  const { code, stdout, stderr } = await onnsight([...args, '--out', out])
  t.is(code, 0, stderr)
  t.regex(stdout, /command\.csv: 9 rows\n/)
  const expected = await sweep({ model, ...plain })
  const read = await readSweep(out)
  for (const [i, { point, values }] of read.rows.entries()) {
    t.deepEqual(point, expected.rows[i].point)
    t.true(Math.abs(values.top - expected.rows[i].values.top) < 1e-5)
  }
  t.regex(readFileSync(out, 'utf8'), /^index,layer,strength,value\.top,value\.mean,error,seconds,run\n/)
  const wrong = await onnsight(['sweep', 'x.onnx', '--over', 'layer'])
  t.is(wrong.code, 2)
})
