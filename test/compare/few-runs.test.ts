import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load } from 'onnsight'
import { compare } from 'onnsight/compare'
import { coarse, Spoilt, scaled } from './faults.ts'

const VERSE = 'test/fixtures/models/verse/onnx/model.onnx'
const folder = mkdtempSync(join(tmpdir(), 'onnsight-few-runs-'))
test.after.always(() => rmSync(folder, { recursive: true }))

/** Prompts without token 7. */
const prompts = Array.from({ length: 8 }, (_, prompt) =>
  Array.from({ length: 16 }, (_, i) => 10 + ((i * 397 + prompt * 211) % 1000)),
)

const MATRICES = ['self_attn/q_proj', 'self_attn/v_proj', 'self_attn/o_proj', 'mlp/gate_proj', 'mlp/down_proj']

/** The model with five bits in every matrix and three in one. */
function spoilt(): Spoilt {
  const model = new Spoilt(VERSE)
  for (let layer = 0; layer < 4; layer++)
    for (const name of MATRICES) model.matrix(`/model/layers.${layer}/${name}/MatMul`, coarse(5))
  model.matrix('/model/layers.1/mlp/up_proj/MatMul', coarse(3))
  return model
}

test.serial('modules whose shares are small or settled run on fewer inputs, and have the same shares', async t => {
  const path = join(folder, 'spoilt.onnx')
  spoilt().save(path)
  const [a, b] = [await load(VERSE), await load(path)]
  const found = await compare(a, b, prompts)
  // With interactions, every input runs with every module.
  const whole = await compare(a, b, prompts, { interactions: 2 })
  t.true(whole.blame.every(({ inputs }) => inputs === 8))
  const few = found.blame.filter(({ inputs, effect }) => effect > 0 && inputs < 8)
  t.true(few.length > 5, String(found))
  t.is(found.blame[0].module, whole.blame[0].module)
  for (const { module, share, interval, inputs } of few) {
    const due = whole.blame.find(one => one.module === module)!.share
    t.true(inputs >= 1)
    // One input says nothing of how the others scatter.
    if (inputs === 1) t.true(interval[0] < share && interval[1] > share && share < 0.01, `${module}: ${interval}`)
    t.true(Math.abs(share - due) < 0.02 + 0.15 * due, `${module}: ${share}, ${due}`)
  }
  await a.release()
  await b.release()
})

/** Rounds a matrix to 12 bits: less than a hundredth of what is wrong in the worst one. */
const slightly = coarse(12)

test.serial('errors far below the largest run together, and get about the shares that each has alone', async t => {
  const model = new Spoilt(VERSE)
  for (let layer = 0; layer < 4; layer++)
    for (const name of MATRICES) model.matrix(`/model/layers.${layer}/${name}/MatMul`, slightly)
  model.matrix('/model/layers.1/mlp/up_proj/MatMul', coarse(3))
  const path = join(folder, 'slight.onnx')
  model.save(path)
  const [a, b] = [await load(VERSE), await load(path)]
  const found = await compare(a, b, prompts.slice(0, 2))
  const whole = await compare(a, b, prompts.slice(0, 2), { interactions: 2 })
  t.is(found.culprit, 'model.layers.1.mlp.up_proj')
  const slight = found.blame.filter(({ inputs, effect }) => inputs === 1 && effect !== 0)
  t.is(slight.length, 4 * MATRICES.length, String(found))
  for (const { module, share, interval } of slight) {
    const due = whole.blame.find(one => one.module === module)!.share
    t.true(share < 1e-3 && due < 1e-3, `${module}: ${share}, ${due}`)
    t.true(interval[0] < share && interval[1] > share)
  }
  await a.release()
  await b.release()
})

test.serial('two errors that are together next to nothing run at once, and get parts by their squares', async t => {
  const model = new Spoilt(VERSE)
  // Each makes about a hundredth of the error of the worst one.
  for (const name of ['2/mlp/down_proj', '3/self_attn/v_proj']) model.matrix(`/model/layers.${name}/MatMul`, coarse(9))
  model.matrix('/model/layers.1/mlp/up_proj/MatMul', coarse(3))
  const path = join(folder, 'two.onnx')
  model.save(path)
  const [a, b] = [await load(VERSE), await load(path)]
  const { blame, modules } = await compare(a, b, prompts.slice(0, 1))
  const [one, other] = ['model.layers.2.mlp.down_proj', 'model.layers.3.self_attn.v_proj'].map(path => ({
    share: blame.find(({ module }) => module === path)!.share,
    size: modules.find(({ module }) => module === path)!.made!.relative,
  }))
  t.true(one.share > 0 && one.share < 1e-3, `${one.share}`)
  const parts = [one.share / other.share, (one.size / other.size) ** 2]
  t.true(Math.abs(parts[0] / parts[1] - 1) < 1e-6, `${parts}`)
  await a.release()
  await b.release()
})

test.serial('errors far below the largest are measured alone if that one does nothing', async t => {
  const silent = (): Spoilt => {
    const model = new Spoilt(VERSE)
    model.matrix('/model/layers.1/self_attn/o_proj/MatMul', scaled(0))
    return model
  }
  const [right, wrong] = [join(folder, 'silent.onnx'), join(folder, 'loud.onnx')]
  silent().save(right)
  const model = silent()
  // Nothing reads these values: the next matrix is 0.
  model.matrix('/model/layers.1/self_attn/v_proj/MatMul', scaled(5))
  for (const name of MATRICES) model.matrix(`/model/layers.2/${name}/MatMul`, coarse(8))
  model.save(wrong)
  const [a, b] = [await load(right), await load(wrong)]
  const found = await compare(a, b, prompts.slice(0, 2))
  const whole = await compare(a, b, prompts.slice(0, 2), { interactions: 2 })
  t.true(found.output.mean > 0)
  for (const { module, share } of whole.blame.filter(one => one.share > 0.05)) {
    const { inputs, ...one } = found.blame.find(one => one.module === module)!
    t.is(inputs, 2)
    t.true(Math.abs(one.share - share) < 1e-3, `${module}: ${one.share}, ${share}`)
  }
  await a.release()
  await b.release()
})

test.serial('a fault that only one of the last inputs shows is found', async t => {
  const model = spoilt()
  model.floats('model.embed_tokens.weight', (values, [, width]) =>
    values.map((value, i) => (Math.floor(i / width) === 7 ? -5 * value : value)),
  )
  const path = join(folder, 'row.onnx')
  model.save(path)
  const [a, b] = [await load(VERSE), await load(path)]
  const last = prompts[7].with(3, 7)
  const found = await compare(a, b, [...prompts.slice(0, 7), last])
  t.is(found.blame[0].module, 'model.embed_tokens', String(found))
  t.is(found.output.worst.input, 'input 7')
  await a.release()
  await b.release()
})

test.serial('inputs of other lengths, and one that is repeated, give what each gives alone', async t => {
  const path = join(folder, 'lengths.onnx')
  spoilt().save(path)
  const [a, b] = [await load(VERSE), await load(path)]
  const some = [prompts[0], prompts[1], prompts[2].slice(0, 9), prompts[0]]
  const together = await compare(a, b, some)
  let mean = 0
  for (const ids of some) mean += (await compare(a, b, [ids])).output.mean / some.length
  t.true(Math.abs(together.output.mean - mean) < 1e-4 * mean, `${together.output.mean}, ${mean}`)
  await a.release()
  await b.release()
})
