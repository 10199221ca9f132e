import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, type Tensor } from 'onnsight'
import { type ComparisonData, compare } from 'onnsight/compare'
import { chromiumPath } from '../browser/site.ts'
import { onnsight } from '../cli/spawn.ts'
import { Spoilt, scaled } from './faults.ts'

// A model in a headless Chromium, by the software adapter where there is no graphics card.

const run = chromiumPath ? test.serial : test.serial.skip
const folder = mkdtempSync(join(tmpdir(), 'onnsight-chromium-test-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const CHARS = 'test/fixtures/models/chars.onnx'
const INDUCTION = 'test/fixtures/models/induction.onnx'
const ids = [
  [18, 47, 56, 57, 58],
  [1, 2, 3, 4, 5],
]

for (const provider of ['wasm', 'webgpu'] as const) {
  run(`a model and a spoilt one on ${provider}: the spoilt module is to blame, and nothing else`, async t => {
    t.timeout(600_000)
    const model = new Spoilt(INDUCTION)
    model.matrix('/transformer/h.1/attn/c_attn/Gemm', scaled(1.5))
    const path = join(folder, `${provider}.onnx`)
    model.save(path)
    const [a, b] = [await load(INDUCTION), await load(path, { provider })]
    const found = await compare(a, b, ids)
    await b.release()
    t.is(found.culprit, 'transformer.h.1.attn.c_attn', String(found))
    const right = await load(INDUCTION, { provider })
    const same = await compare(a, right, ids)
    await right.release()
    await a.release()
    t.true(Math.abs(same.output.mean) < 1e-5, String(same))
    t.is(same.culprit, null)
    // Other kernels round otherwise.
    t.true(same.modules.some(({ error }) => error.max > 0))
    for (const { module, error } of same.modules) t.true(error.relative < 1e-4, `${module}: ${error.relative}`)
  })

  run(`the command compares one file on the processor and on ${provider}`, async t => {
    t.timeout(600_000)
    const { code, stdout, stderr } = await onnsight(['compare', CHARS, '--set-b', `provider=${provider}`, '--json'])
    t.is(code, 0, stderr)
    const { models, output } = JSON.parse(stdout) as ComparisonData
    t.is(models.b, `${CHARS} (provider=${provider})`)
    t.true(Math.abs(output.mean) < 1e-5)
  })
}

run('a trace on WebAssembly reads and writes as on the processor', async t => {
  t.timeout(600_000)
  const read = async (provider: 'cpu' | 'wasm', edits: boolean): Promise<Tensor> => {
    const model = await load(CHARS, { provider })
    const logits = await model.trace(ids, one => {
      if (edits) one.transformer.h[1].output = one.transformer.h[1].output.mul(2)
      return one.lm_head.output
    })
    await model.release()
    return logits as Tensor
  }
  const [ours, theirs, unedited] = [await read('cpu', true), await read('wasm', true), await read('wasm', false)]
  const error = async (one: Tensor, other: Tensor): Promise<number> =>
    (await one.sub(other).abs().amax().value()).item() as number
  t.true((await error(ours, theirs)) < 1e-3)
  t.true((await error(ours, unedited)) > 0.1, 'the edit moves the result')
})

test.serial('without Chromium, and where the settings do not fit, the error says what to do', async t => {
  const missing = await onnsight(['compare', INDUCTION, '--set-b', 'provider=wasm'], {
    env: { CHROMIUM: join(folder, 'nowhere') },
  })
  t.is(missing.code, 1)
  t.regex(missing.stderr, /nowhere[\s\S]*is not installed[\s\S]*Do this: install Chromium/)
  await t.throwsAsync(load(INDUCTION, { provider: 'wasm', profileFolder: folder }), { code: 'load-option' })
  const reduced = await onnsight(['reduce', INDUCTION, '--set-b', 'provider=webgpu', '--output', join(folder, 'out')])
  t.is(reduced.code, 2)
  t.regex(reduced.stderr, /Do this: .*--command/)
})
