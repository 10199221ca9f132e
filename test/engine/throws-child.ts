import { readFileSync } from 'node:fs'
import { load, type Model, save, skip, type Tensor } from 'onnsight'
import { invoke } from 'onnsight/trace.macro'

// Runs a block that throws at one of its statements, 1,000 times, in all kinds of traces. Prints the private memory in bytes after each 250, and
// at the end whether a trace gives the same result as at first.
const model = await load('test/fixtures/models/induction.onnx', { sessionBytes: 16 * 2 ** 20, reuseBytes: 4 * 2 ** 20 })
const ids = [[18, 47, 56, 57]]

class Mine extends Error {}

const statements: readonly ((m: Model) => unknown)[] = [
  m => m.transformer.h[0].output.mul(2),
  m => {
    m.transformer.h[0].attn.output = m.transformer.h[0].attn.output.add(1)
  },
  m => m.transformer.h[0].output.max().value(),
  m => skip(m.transformer.h[1].attn),
  m => m.transformer.h[1].output.set(':, -1', 0),
  m => m.lm_head(m.transformer.h[1].output).mean().value(),
  m => save(m.lm_head.output),
]

async function block(m: Model, at: number): Promise<void> {
  for (const [i, statement] of statements.entries()) {
    if (i === at) throw new Mine(`at ${i}`)
    await statement(m)
  }
  throw new Mine('at the end')
}

const forms: ((at: number) => Promise<unknown>)[] = [
  at => model.trace(ids, m => block(m, at)),
  at => model.edit(m => block(m, at)).trace(ids, m => m.lm_head.output),
  at => model.trace(m => [invoke(ids, () => m.transformer.h[0].output), invoke(ids, () => block(m, at))]),
  at =>
    model.session(async m => {
      await m.trace(ids, inner => {
        save(inner.transformer.h[0].output)
      })
      await m.trace(ids, inner => block(inner, at))
    }),
  at => model.trace(ids, () => model.trace(ids, m => block(m, at))),
  at => model.generate(ids, { maxNewTokens: 3 }, (m, step) => (step === 1 ? block(m, at) : undefined)),
  at => model.record(ids, async m => block(m, at % 2)),
]

const bits = ({ data }: Tensor): string => Buffer.from((data as Float32Array).slice().buffer).toString('base64')
const right = (): Promise<Tensor> =>
  model.trace(ids, m => {
    m.transformer.h[1].attn.output = m.transformer.h[1].attn.output.mul(0.5)
    return m.lm_head.output
  })

function privateBytes(): number {
  ;(globalThis as { gc?: () => void }).gc?.()
  const text = readFileSync('/proc/self/smaps_rollup', 'utf8')
  return Number(/Private_Dirty:\s*(\d+)/.exec(text)?.[1]) * 1024
}

const first = bits(await right())
let thrown = 0
for (let i = 0; i < 1000; i++) {
  const form = forms[i % forms.length]
  await form(Math.floor(i / forms.length) % (statements.length + 1)).catch(error => {
    if (!(error instanceof Mine)) throw error
    thrown++
  })
  if (i % 100 === 0 && bits(await right()) !== first) throw new Error(`another result after ${i}`)
  if (i % 250 === 249) console.log(privateBytes())
}
console.log(thrown)
process.exit()
