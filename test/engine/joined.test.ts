import test from 'ava'
import { load, type Model, ones, type Tensor, type TraceReport } from 'onnsight'

const path = 'test/fixtures/models/chars.onnx'
/** A number of runs that is greater than the one after which a split group's blocks are joined. */
const OFTEN = 26
const idsOf = (seed: number): number[][] => [Array.from({ length: 6 }, (_, i) => (seed * 7 + i * 5) % 65)]

const given = await ones([1, 6, 128]).value()

/** Edits that each split the group in which they are. */
const edits: Record<string, (m: Model) => Tensor | Record<string, Tensor>> = {
  'inside a block': m => {
    m.transformer.h[1].mlp.act.output.set('..., 0:64', 0)
    return m.lm_head.output
  },
  'at a block’s edge, with reads behind it': m => {
    m.transformer.h[0].output.set(':, -1, 0:8', 0)
    return { hidden: m.transformer.h[2].output.slice(':, -1'), logits: m.lm_head.output }
  },
  'in two blocks, with a read of what is read inside': m => {
    m.transformer.h[0].attn.ops.Softmax[0].output.set('...', 0.1)
    m.transformer.h[2].input = m.transformer.h[0].output.mul(0.5)
    return { pattern: m.transformer.h[3].attn.ops.Softmax[0].output, logits: m.lm_head.output }
  },
  'a module applied elsewhere': m => {
    m.transformer.h[2].output = m.transformer.h[2].output.add(m.transformer.h[3].mlp(m.transformer.h[0].output))
    return m.lm_head.output
  },
  'operations of a later operator set between blocks': m => {
    m.transformer.h[1].output = m.transformer.h[1].output.gelu().sort(-1).values
    return m.lm_head.output
  },
  'a given value': m => {
    m.transformer.h[1].output = given
    return { before: m.transformer.h[1].mlp.output, logits: m.lm_head.output }
  },
  'the last position alone': m => m.lm_head.output.slice(':, -1'),
}

/** Runs the edit on several inputs. Returns, for each run, the result's bits and the number of sessions. */
async function runs(model: Model, edit: (typeof edits)[string], inputs: readonly number[][][]) {
  const bits: string[] = []
  const sessions: number[] = []
  for (const ids of inputs) {
    const onReport = ({ steps }: TraceReport) => void sessions.push(steps.length)
    const result = await model.trace(ids, { onReport }, edit as (m: Model) => Tensor)
    const tensors = Object.entries('dims' in result ? { result } : (result as Record<string, Tensor>))
    bits.push(tensors.map(([name, { dims, data }]) => `${name} ${dims} ${hex(data as Float32Array)}`).join('\n'))
    await new Promise(resolve => setTimeout(resolve))
  }
  return { bits, sessions }
}

const hex = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('hex')

test.serial('an edit that runs often takes fewer sessions and gives the same bits', async t => {
  const fresh = await load(path, { reuseBytes: 0 })
  const inputs = Array.from({ length: OFTEN }, (_, i) => idsOf(i))
  for (const groupBytes of [2 ** 40, 1_500_000]) {
    const model = await load(path, { groupBytes })
    for (const [name, edit] of Object.entries(edits)) {
      const { bits, sessions } = await runs(model, edit, inputs)
      const first = await runs(fresh, edit, inputs.slice(-1))
      t.is(bits.at(-1), first.bits[0], name)
      t.not(bits[0], bits[1], 'other inputs give other values')
      if (groupBytes > 2 ** 30) t.true(sessions.at(-1)! < sessions[0], `${name}: ${sessions}`)
      else t.true(sessions.at(-1)! <= sessions[0], `${name}: ${sessions}`)
    }
    await model.release()
  }
  await fresh.release()
})

test.serial('all of a small model that is edited often is one session', async t => {
  const model = await load(path)
  const { sessions } = await runs(
    model,
    edits['inside a block'],
    Array.from({ length: OFTEN }, (_, i) => idsOf(i)),
  )
  t.is(sessions[0], 6)
  t.is(sessions.at(-1), 1)
  await model.release()
})

test.serial(
  'blocks between which values have half precision stay apart: together they would be rounded less often',
  async t => {
    const half = 'test/fixtures/models/chars-fp16.onnx'
    const [model, fresh] = [await load(half), await load(half)]
    const inputs = Array.from({ length: OFTEN }, (_, i) => idsOf(i))
    const { bits, sessions } = await runs(model, edits['inside a block'], inputs)
    t.is(bits.at(-1), (await runs(fresh, edits['inside a block'], inputs.slice(-1))).bits[0])
    t.is(sessions.at(-1), sessions[0])
    await model.release()
    await fresh.release()
  },
)

test.serial('where the same inputs come again, blocks stay apart and what lies before the edit is reused', async t => {
  const model = await load(path)
  const kinds: string[][] = []
  for (let i = 0; i < OFTEN; i++) {
    const onReport = ({ steps }: TraceReport) => void kinds.push(steps.map(({ kind }) => kind))
    await model.trace(idsOf(0), { onReport }, m => {
      m.transformer.h[2].mlp.output = m.transformer.h[2].mlp.output.mul(i)
      return m.lm_head.output
    })
    await new Promise(resolve => setTimeout(resolve))
  }
  t.deepEqual(kinds.at(-1), ['reused', 'reused', 'reused', 'rebuilt', 'shared', 'shared'])
  await model.release()
})

test.serial('sessions of joined blocks take no more memory than the cache may have', async t => {
  const model = await load(path, { sessionBytes: 16_000_000, reuseBytes: 0 })
  for (const edit of [edits['inside a block'], edits['a given value']]) {
    const { sessions } = await runs(
      model,
      edit,
      Array.from({ length: OFTEN }, (_, i) => idsOf(i)),
    )
    t.is(sessions.at(-1), sessions[0])
    t.true(model.engine.cache.bytes <= 16_000_000)
  }
  await model.release()
})
