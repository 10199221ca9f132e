import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load } from 'onnsight'
import { compare } from 'onnsight/compare'
import { onnsight } from '../cli/spawn.ts'
import { Spoilt } from './faults.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-interactions-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const RIGHT = 'test/fixtures/models/induction.onnx'
const ids = [[1, 2, 3, 1, 2]]
const [ONE, OTHER] = ['transformer.h.0.attn.c_proj', 'transformer.h.1.attn.c_proj']
const path = join(folder, 'spoilt.onnx')
const spoilt = new Spoilt(RIGHT)
for (const module of [ONE, OTHER]) spoilt.floats(`${module}.weight`, values => values.map(value => value * 1.3))
spoilt.save(path)

test('what two modules make together is A with both errors, without what each makes alone', async t => {
  const [a, b] = [await load(RIGHT), await load(path)]
  const found = await compare(a, b, ids, { interactions: 2 })
  const [{ between, share, interval }] = found.interactions
  t.is(found.interactions.length, 1)
  t.deepEqual([...between].sort(), [ONE, OTHER])
  t.true(interval[0] <= share && share <= interval[1])
  const effect = (module: string): number => found.blame.find(one => one.module === module)!.effect
  const due = await a.trace(ids, m => m.lm_head.output)
  const error = async (module: string) => {
    const right = await a.trace(ids, m => ({ input: m.module(module).input, output: m.module(module).output }))
    const made = await b.trace(ids, m => {
      m.module(module).input = right.input
      return m.module(module).output
    })
    return made.sub(right.output).value()
  }
  const [first, second] = [await error(ONE), await error(OTHER)]
  const got = await a.trace(ids, m => {
    m.module(ONE).output = m.module(ONE).output.add(first)
    m.module(OTHER).output = m.module(OTHER).output.add(second)
    return m.lm_head.output
  })
  const [p, q] = [due.logSoftmax(-1), got.logSoftmax(-1)]
  const joint = Number((await p.exp().mul(p.sub(q)).sum(-1).mean().value()).tolist())
  const expected = (joint - effect(ONE) - effect(OTHER)) / found.output.mean
  t.true(Math.abs(expected) > 0.001, `${expected}`)
  t.true(Math.abs(share - expected) < 0.02 * Math.abs(expected), `${share} is not ${expected}`)
  await t.throwsAsync(compare(a, b, ids, { interactions: -1 }), { code: 'argument' })
  await a.release()
  await b.release()
})

test('the command prints them, and the report has them', async t => {
  const html = join(folder, 'report.html')
  const { stdout } = await onnsight(['compare', RIGHT, path, '--interactions', '2', '--html', html])
  t.regex(
    stdout,
    /beyond the sum of both:\n {2}transformer\.h\.\d\.attn\.c_proj and transformer\.h\.\d\.attn\.c_proj: -?\d/,
  )
  t.regex(readFileSync(html, 'utf8'), /<h2>Two together<\/h2>[\s\S]*attn\.c_proj<br>transformer/)
})
