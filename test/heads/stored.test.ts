import test from 'ava'
import { load, type Model, readSafetensors, type Tensor } from 'onnsight'
import { near } from '../near.ts'

const fixtures = 'test/fixtures'
const stored = (file: string): Promise<Record<string, Tensor>> => readSafetensors(`${fixtures}/${file}`)

/** Whether the difference is within the tolerance, relative to the largest value, as for the stored cases. */
async function close(got: Tensor, due: Tensor, tolerance: number): Promise<boolean> {
  if (String(got.dims) !== String(due.dims)) return false
  const largest = Number((await due.to('float32').abs().max().value()).item())
  const off = Number((await got.to('float32').sub(due.to('float32')).abs().max().value()).item())
  return off <= tolerance * largest
}

test('patterns of all heads, and of each, are PyTorch’s: GPT-2 form, induction heads, with a filled cache', async t => {
  const read = await stored('reference/read.safetensors')
  const chars = await load(`${fixtures}/models/chars.onnx`)
  const inputs = { input_ids: read['input:pair'] }
  for (const layer of [0, 1, 2, 3]) {
    const { all, one } = await chars.trace(inputs, m => ({
      all: m.transformer.h[layer].attn.heads.pattern,
      one: m.transformer.h[layer].attn.heads[2].pattern,
    }))
    const due = read[`read/attention:layer${layer}`]
    t.true(await close(all, due, 2e-4))
    t.true(await close(one, await due.slice(':, 2').value(), 2e-4))
  }
  const induction = await stored('reference/induction.safetensors')
  const model = await load(`${fixtures}/models/induction.onnx`)
  const [name] = Object.keys(induction).filter(key => key === 'input:repeated')
  const pattern = await model.trace({ input_ids: induction[name] }, m => m.transformer.h[1].attn.heads.pattern)
  t.true(await close(pattern, induction['induction/pattern:layer1'], 2e-4))

  const cached = await stored('reference/cache.safetensors')
  const withCache = await load(`${fixtures}/models/chars-cache.onnx`)
  const past = Object.fromEntries(
    [0, 1, 2, 3].flatMap(i =>
      ['key', 'value'].map(side => [`past_key_values.${i}.${side}`, cached[`past:cache.next:${i}.${side}`]]),
    ),
  )
  const next = {
    input_ids: cached['input:cache.next'],
    attention_mask: cached['full-mask:cache.next'],
    position_ids: cached['positions:cache.next'],
    ...past,
  }
  const edited = await withCache.trace(next, m => {
    m.transformer.h[0].output = m.transformer.h[0].output.add(cached.steer)
    m.transformer.h[2].attn.output.set(':, -1', 0)
    return { pattern: m.transformer.h[3].attn.heads.pattern, k: m.transformer.h[3].attn.heads.k }
  })
  t.true(await close(edited.pattern, cached['cache/edited:pattern'], 2e-4))
  t.deepEqual(edited.k.dims.slice(0, 2), next.input_ids.dims, 'keys of this pass’s tokens')
  for (const m of [chars, model, withCache]) await m.release()
})

test('heads knocked out by pattern, z and result give PyTorch’s logits', async t => {
  const write = await stored('reference/write.safetensors')
  const chars = await load(`${fixtures}/models/chars.onnx`)
  const inputs = { input_ids: write['input:pair'] }
  const knocked = await chars.trace(inputs, m => {
    const { heads } = m.transformer.h[1].attn
    for (const i of [1, 3]) heads[i].pattern.set(':, :, 0', 0)
    return { logits: m.lm_head.output, pattern: heads.pattern }
  })
  t.true(await close(knocked.logits, write['write/attention-knock-out:logits'], 2e-4))
  t.true(await close(knocked.pattern, write['write/attention-knock-out:pattern'], 2e-4))
  const plain = await chars.trace(inputs, m => m.lm_head.output)
  t.false(near(plain, write['write/head-ablation:logits'], 1e-3))
  for (const part of ['z', 'result', 'v', 'pattern'] as const) {
    const ablated = await chars.trace(inputs, m => {
      m.transformer.h[2].attn.heads[1][part] = 0
      return m.lm_head.output
    })
    t.true(await close(ablated, write['write/head-ablation:logits'], 2e-4), part)
  }
  await chars.release()
})

test('every head of the induction model off, one after another, costs what PyTorch says', async t => {
  const file = await stored('reference/induction.safetensors')
  const model = await load(`${fixtures}/models/induction.onnx`)
  const due = file['induction/heads-off-by-pattern:table'].tolist() as number[][]
  for (const layer of [0, 1]) {
    for (const head of model.transformer.h[layer].attn.heads.keys()) {
      const mean = await model.trace({ input_ids: file['input:repeated'] }, m => {
        m.transformer.h[layer].attn.heads[head].pattern = 0
        return m.lm_head.output.slice('0, 10:-1').logSoftmax(-1).mul(file['next.0']).sum(-1).mean()
      })
      t.true(Math.abs(Number(mean.item()) - due[layer][head]) < 2e-4 * Math.abs(Math.max(...due.flat().map(Math.abs))))
    }
  }
  await model.release()
})

const verse = [
  { build: 'float', file: 'model', attention: (m: Model, i: number) => m.model.layers[i].self_attn, tolerance: 2e-4 },
  {
    build: 'fp16',
    file: 'model_fp16',
    attention: (m: Model, i: number) => m.model.layers[i].self_attn,
    tolerance: 2e-2,
  },
  { build: 'q4', file: 'model_q4', attention: (m: Model, i: number) => m.model.layers[i].attn, tolerance: 5e-4 },
]

for (const { build, file, attention, tolerance } of verse) {
  test(`a Llama in ${build}: patterns, and a head off, are PyTorch’s; keys are those of the cache`, async t => {
    const reference = await stored(`verse/reference/${build}.safetensors`)
    const model = await load(`${fixtures}/models/verse/onnx/${file}.onnx`)
    const ids = reference['ids:romeo']
    const read = await model.trace(ids as never, m => ({
      patterns: [0, 1, 2, 3].map(i => attention(m, i).heads.pattern),
      v: attention(m, 1).heads.v.transpose(1, 2),
      values: m.tensor('present.1.value'),
      logits: m.lm_head.output,
    }))
    for (const [i, pattern] of read.patterns.entries())
      t.true(await close(pattern, reference[`${build}/patterns:p${i}`], tolerance), `layer ${i}`)
    t.true(await close(read.v, read.values, 1e-6))
    for (const part of ['pattern', 'z', 'result'] as const) {
      const off = await model.trace(ids as never, m => {
        attention(m, 2).heads[1][part] = 0
        return m.lm_head.output
      })
      t.true(await close(off, reference[`${build}/head-off:logits`], tolerance), part)
      t.false(await close(off, read.logits, tolerance))
    }
    await model.release()
  })
}
