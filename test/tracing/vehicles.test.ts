import test from 'ava'
import fc from 'fast-check'
import { type Model, type OnnsightError, type Tensor, WorkerBackend } from 'onnsight'
import { edit, invoke, session, trace } from 'onnsight/trace.macro'
import { near } from '../near.ts'
import { end, given, start, statement } from '../template/programs.ts'
import { chars, ids, templateOf } from '../template/run.ts'

// Runs a random program in every way in which a block can run. Each gives the same as a plain trace.

type Saved = Record<string, Tensor>
type Outcome = Saved | { readonly error: string }

const settle = async (result: Promise<unknown>): Promise<Outcome> => {
  try {
    return (await result) as Saved
  } catch (error) {
    return { error: String((error as OnnsightError).code ?? (error as Error).stack) }
  }
}

const block = (lines: readonly string[]) => {
  const text = lines.map(line => `  ${line}`).join('\n')
  return templateOf(
    text,
    Array.from(text.matchAll(/\$\{\}/g), () => given),
  )
}

const backend = new WorkerBackend()
test.after.always(() => backend.release())

const ways: Readonly<Record<string, (model: Model, lines: readonly string[]) => Promise<unknown>>> = {
  'a worker': (model, lines) => model.trace(ids, { backend }, block(lines)),
  JSON: async (model, lines) => model.runGraph(JSON.parse(JSON.stringify(await model.record(ids, block(lines))))),
  'an invoke beside another': async (model, lines) => {
    const [first] = await trace(model, () => [
      invoke(ids, block(lines)),
      invoke([[1, 2, 3, 4]], () => {
        model.transformer.h[1].output = model.transformer.h[1].output.mul(3)
        return model.lm_head.output
      }),
    ])
    return first
  },
  'a session': (model, lines) =>
    session(model, async () => {
      await model.trace([[5, 6]], m => m.lm_head.output)
      return model.trace(ids, block(lines))
    }),
  'a step of a generation': async (model, lines) =>
    (await model.generate(ids, { maxNewTokens: 1 }, block(lines))).values[0],
  'a trace in a trace': (model, lines) => trace(model, [[9, 8, 7]], async () => model.trace(ids, block(lines))),
}

test('a program gives the same by every way', async t => {
  const model = await chars()
  const seen = { results: 0, errors: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(statement, { maxLength: 5 }), async statements => {
      const lines = [start, ...statements, end].map(({ template }) => template)
      const plain = await settle(model.trace(ids, block(lines)))
      for (const [way, run] of Object.entries(ways)) {
        const other = await settle(run(model, lines))
        // A value that this prompt does not need may be needed for the rows of the other prompt. Then it is refused, and never wrong.
        if (way.startsWith('an invoke') && !('error' in plain) && (other as { error?: string }).error === 'cycle')
          continue
        if ('error' in plain) t.deepEqual(other, plain, `${way}\n${lines.join('\n')}`)
        else
          for (const [name, tensor] of Object.entries(plain))
            t.true(near((other as Saved)[name], tensor, 1e-3), `${way} ${name}\n${lines.join('\n')}`)
      }
      const scanned = await settle(model.scan(ids, block(lines)))
      if ('error' in plain) t.deepEqual(scanned, plain, lines.join('\n'))
      else
        for (const [name, tensor] of Object.entries(plain))
          t.deepEqual([...(scanned as Saved)[name].dims], [...tensor.dims])
      seen['error' in plain ? 'errors' : 'results']++
    }),
    { numRuns: 60 },
  )
  t.log(seen)
  t.true(seen.results > 12)
})

test('a program as a standing edit gives what it gives in the block', async t => {
  const model = await chars()
  let moved = 0
  const bare = await model.trace(ids, templateOf('save logits = lm_head.output'))
  await fc.assert(
    fc.asyncProperty(fc.array(statement, { minLength: 1, maxLength: 5 }), async statements => {
      const lines = [start, ...statements].map(({ template }) => template)
      const tail = 'save logits = lm_head.output'
      const plain = await settle(model.trace(ids, block([...lines, tail])))
      const edited = edit(model, () => {}).edit({}, block(lines))
      const other = await settle(edited.trace(ids, templateOf(tail)))
      if ('error' in plain) return void t.deepEqual(other, plain, lines.join('\n'))
      t.true(near((other as Saved).logits, plain.logits, 1e-3), lines.join('\n'))
      if (!near(plain.logits, bare.logits)) moved++
    }),
    { numRuns: 60 },
  )
  t.true(moved > 5, String(moved))
})
