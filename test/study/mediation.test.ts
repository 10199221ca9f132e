import test from 'ava'
import { load, type Model, type Tensor } from 'onnsight'
import { divergence, logitDifference, mediationEffects } from 'onnsight/study'

const clean = [23, 21, 26, 19, 1, 30, 21, 15, 20, 13, 30]
const corrupted = [23, 21, 26, 19, 1, 20, 17, 26, 30, 37, 1]
const metric = logitDifference(16, 21)

let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(() => model.release())

const of = (logits: Tensor): Tensor => logits.slice('0, -1').select(-1, 16).sub(logits.slice('0, -1').select(-1, 21))

/** The metric of a prompt's run in which an MLP, or a head's mix of values, is that of another prompt's run. */
async function measured(prompt: number[], from: number[], layer: number, head?: number): Promise<number> {
  const place = (m: Model) =>
    head === undefined ? m.transformer.h[layer].mlp.output : m.transformer.h[layer].attn.heads[head].z
  const other = await model.trace([from], m => place(m).mul(1))
  const value = await model.trace([prompt], m => {
    if (head === undefined) m.transformer.h[layer].mlp.output = other
    else m.transformer.h[layer].attn.heads[head].z = other
    return of(m.lm_head.output)
  })
  return value.item() as number
}

const near = (got: number, expected: number): boolean => Math.abs(got - expected) < 1e-3

test('through a place and past it: both are as in runs with the activation of the other prompt', async t => {
  const plain = async (prompt: number[]) => (await model.trace([prompt], m => of(m.lm_head.output))).item() as number
  const [base, changed] = [await plain(clean), await plain(corrupted)]
  const options = { clean: [clean], corrupted: [corrupted], metric }
  const heads = await mediationEffects(model, { ...options, part: 'head' })
  t.true(near(heads.base, base) && near(heads.total, changed - base))
  t.true(Math.abs(heads.total) > 1)
  t.deepEqual(
    [heads.indirect.dims, heads.direct.dims],
    [
      [4, 4],
      [4, 4],
    ],
  )
  for (const [layer, head] of [
    [0, 1],
    [2, 2],
  ]) {
    const at = (effects: Tensor) => (effects.tolist() as number[][])[layer][head]
    t.true(near(at(heads.indirect), (await measured(clean, corrupted, layer, head)) - base))
    t.true(near(at(heads.direct), (await measured(corrupted, clean, layer, head)) - base))
  }
  const mlps = await mediationEffects(model, { ...options, part: 'mlp', by: 'layer', layers: [1] })
  t.true(near((mlps.indirect.tolist() as number[])[0], (await measured(clean, corrupted, 1)) - base))
  t.true(near((mlps.direct.tolist() as number[])[0], (await measured(corrupted, clean, 1)) - base))
})

test('all goes through the whole residual stream, and nothing past it; it prints and draws both', async t => {
  const calls: number[][] = []
  const found = await mediationEffects(model, {
    clean: [clean],
    corrupted: [corrupted],
    metric,
    by: 'layer',
    onProgress: (done, total) => void calls.push([done, total]),
  })
  for (const each of found.indirect.tolist() as number[]) t.true(near(each, found.total))
  for (const each of found.direct.tolist() as number[]) t.true(near(each, 0))
  t.deepEqual(calls.at(-1), [8, 8])
  t.regex(String(found), /0 through[\s\S]*0 past[\s\S]*in the clean run/)
  const { svg } = await found.plot()
  t.true(svg.includes('indirect') && svg.includes('direct'))
})

test('a metric that compares with the clean run is refused', async t => {
  const options = { clean: [clean], corrupted: [corrupted], metric: divergence(), part: 'mlp', layers: [0] } as const
  await t.throwsAsync(mediationEffects(model, options), { code: 'study', message: /compares with the clean run/ })
})
