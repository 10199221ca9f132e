import test from 'ava'
import fc from 'fast-check'
import { type Backend, OnnsightError, type Tensor, Tracer } from 'onnsight'
import { recorderScope } from '#dist/runtime/graph/recorder.js'
import { recordedBlock } from '#dist/runtime/tracing/blocks/block.js'
import { traceOf } from '#dist/runtime/tracing/current-trace.js'
import { type HasTraceable, traceable } from '#dist/runtime/tracing/traceable.js'
import { chars, ids, run, templateOf } from './run.ts'

const whole = `
  # reads, writes, slices and calls
  save h2 = transformer.h[2].output
  transformer.h[2].output[:, -1, :] += 3 * \${}
  transformer.h[3].mlp.output[..., 0:64:2] = 0
  transformer.h[1].attn.c_proj.input *= 1 / (1 + 2 ** -1)
  for i in 0:4:2
    transformer.h[i].mlp.output *= 0.5
    for layer in transformer.h[1:]:
      kept = layer.attn.ops.Softmax[0].output.sum(dim=[-1], keepdim=True)
  skip transformer.h[0].mlp = transformer.h[0].ln_2.output // 2 % 3
  p = softmax(lm_head.output[:, [0, -1], None] / 0.7, -1); q = p @ p.mT
  both = cat([p, where(p > 0.5, p, -p)], dim=1).log_softmax(axis=-1)
  save logits = topk(both, 3, largest=False).values
  save mask = ~((p == 1) | (p < 0.25) & (p != 2))
  save node = node("/lm_head/MatMul").output
  stop
`
const tokens = whole.match(/\$\{\}|\w+|\s+|[^\w\s]/g)!
const odd = [
  '',
  '(',
  ')',
  '[',
  ']',
  '\n',
  '\n      ',
  ':',
  '...',
  '${}',
  '"',
  "'",
  '\\',
  '`',
  '=',
  '**',
  '.',
  ',',
  'None',
  'for',
  'in',
  'save',
  '1e999',
  '٣',
  '𝒽',
  '\0',
  '\u2028',
  '-',
  '0x',
  'constructor',
  '__proto__',
  'prototype',
]

const mutation = fc.oneof(
  fc.record({
    kind: fc.constant('replace' as const),
    at: fc.nat(),
    by: fc.oneof(fc.constantFrom(...odd), fc.constantFrom(...tokens)),
  }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: fc.nat(),
    by: fc.oneof(fc.constantFrom(...odd), fc.constantFrom(...tokens)),
  }),
  fc.record({ kind: fc.constant('remove' as const), at: fc.nat(), by: fc.nat(5) }),
  fc.record({ kind: fc.constant('swap' as const), at: fc.nat(), by: fc.nat() }),
)

const mutated = fc
  .tuple(fc.nat(), fc.nat(), fc.array(mutation, { minLength: 1, maxLength: 4 }))
  .map(([from, length, changes]) => {
    // In half of the cases, only a part of the text is taken, so that its later lines are also reached.
    const lines = whole.split('\n')
    const first = from % 2 === 0 ? 0 : from % lines.length
    const part = lines.slice(first, first + 1 + (length % lines.length)).join('\n')
    const text = part.match(/\$\{\}|\w+|\s+|[^\w\s]/g) ?? ['']
    for (const { kind, at, by } of changes) {
      const i = at % Math.max(1, text.length)
      if (kind === 'replace') text[i] = by
      else if (kind === 'insert') text.splice(i, 0, by)
      else if (kind === 'remove') text.splice(i, by)
      else [text[i], text[by % text.length]] = [text[by % text.length], text[i]]
    }
    return text.join('')
  })

/** A backend that only records the block, and runs nothing. */
const recordOnly: Backend = {
  async run(tracer) {
    const trace = traceOf(tracer)
    await trace.begin()
    try {
      return await recorderScope().run(trace, () => trace.execute())
    } finally {
      trace.finished = true
    }
  },
}

const record = async (text: string): Promise<unknown> => {
  const model = await chars()
  const values = Array.from(text.matchAll(/\$\{\}/g), () => new Float32Array(128))
  const block = recordedBlock(templateOf(text, values))!
  const trace = traceOf(new Tracer([model, ids], {}, recordOnly, block.info))
  const target = (model as unknown as HasTraceable)[traceable]()
  return trace.run(target, running => block.record(model, running))
}

test('10,000 templates with faults give an error with its place, or a result', async t => {
  const seen = { syntax: 0, meaning: 0, results: 0 }
  await fc.assert(
    fc.asyncProperty(mutated, async text => {
      try {
        await record(text)
        seen.results++
      } catch (error) {
        if (!(error instanceof OnnsightError) || !error.at) return void t.fail(`${text}\n${(error as Error).stack}`)
        const { line, column } = error.at
        const lines = text.split('\n')
        if (line < 1 || line > lines.length || column < 1) t.fail(`${text}\nstands at ${line}:${column}`)
        seen[error.code === 'template-syntax' ? 'syntax' : 'meaning']++
      }
    }),
    { numRuns: 10_000 },
  )
  t.log(seen)
  t.true(seen.syntax > 1000 && seen.meaning > 300 && seen.results > 300, JSON.stringify(seen))
})

test('of templates with faults that can be recorded, the runs end too', async t => {
  let results = 0
  await fc.assert(
    fc.asyncProperty(mutated, async text => {
      try {
        const values = Array.from(text.matchAll(/\$\{\}/g), () => new Float32Array(128))
        for (const tensor of Object.values(await run(text, values))) t.truthy((tensor as Tensor).data)
        results++
      } catch (error) {
        t.true(error instanceof OnnsightError, `${text}\n${(error as Error).stack}`)
      }
    }),
    { numRuns: 300 },
  )
  t.true(results > 5, String(results))
})

for (const [what, text] of [
  ['parentheses', `save x = ${'('.repeat(50_000)}1${')'.repeat(50_000)}`],
  ['signs', `save x = ${'-'.repeat(50_000)}lm_head.output`],
  ['brackets', `save x = ${'['.repeat(50_000)}${']'.repeat(50_000)}`],
  ['terms', `save x = lm_head.output${' + 1'.repeat(50_000)}`],
  ['dots', `save x = lm_head.output${'.T'.repeat(50_000)}`],
  ['blocks', Array.from({ length: 3000 }, (_, i) => `${' '.repeat(i)}for i in 0:1`).join('\n')],
] as const) {
  test(`very many ${what} are an error, and no crash`, async t => {
    const error = await t.throwsAsync(async () => run(text), { instanceOf: OnnsightError })
    t.regex(String((error as OnnsightError).code), /^template/)
  })
}
