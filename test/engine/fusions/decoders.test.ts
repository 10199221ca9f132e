import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, type Model, type Tensor } from 'onnsight'
import { near } from '../../near.ts'
import { type DecoderGraph, decoders } from './decoders.ts'
import { bare, squared } from './every-verb.ts'
import { encodeGraph, type Fed } from './text-graph.ts'

// generate() on each form of attention gives the same tokens as a loop by hand, which runs onnxruntime on all tokens in each step.

const folder = mkdtempSync(join(tmpdir(), 'onnsight-decoders-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const prompt = [3, 17, 5]
const TOKENS = 6

async function byHand(graph: DecoderGraph, bytes: Uint8Array): Promise<{ ids: number[]; logits: Float32Array[] }> {
  const ids = [...prompt]
  const logits: Float32Array[] = []
  for (let step = 0; step < TOKENS; step++) {
    const whole = (values: readonly number[]): Fed => ({
      type: 'int64',
      dims: [1, values.length],
      data: BigInt64Array.from(values, BigInt),
    })
    const known: Record<string, Fed> = {
      input_ids: whole(ids),
      attention_mask: whole(ids.map(() => 1)),
      position_ids: whole(ids.map((_, i) => i)),
    }
    const caches = Object.entries(graph.caches).map(([name, dims]): [string, Fed] => [
      name,
      { type: 'float32', dims, data: new Float32Array(0) },
    ])
    const fed = Object.fromEntries([...Object.entries(known).filter(([name]) => name in graph.inputs), ...caches])
    const all = (await bare(bytes, fed)).logits.data as Float32Array
    const last = all.slice((ids.length - 1) * 24)
    logits.push(last)
    ids.push(last.indexOf(Math.max(...last)))
  }
  return { ids, logits }
}

const lastOf = (logits: Tensor): number[] => Array.from(logits.data as Float32Array).slice(-24)
const rowOf = (ids: Tensor): number[] => (ids.tolist() as bigint[][])[0].map(Number)

for (const [i, graph] of decoders.entries())
  test(`${graph.name}: generate, with reads and with an edit in every step, is a loop by hand`, async t => {
    t.timeout(120_000)
    const bytes = encodeGraph(graph)
    const path = join(folder, `${i}.onnx`)
    writeFileSync(path, bytes)
    const [plain, due] = await Promise.all([byHand(graph, bytes), byHand(graph, squared(bytes, 'a'))])
    t.notDeepEqual(plain.logits, due.logits)
    const model = await load(path)
    const bare = await model.generate([prompt], { maxNewTokens: TOKENS })
    t.deepEqual(rowOf(bare.ids), plain.ids)
    const twice = await model.generate([prompt, prompt.toReversed()], { maxNewTokens: TOKENS })
    const other = await model.generate([prompt.toReversed()], { maxNewTokens: TOKENS })
    t.deepEqual(
      (twice.ids.tolist() as bigint[][]).map(row => row.map(Number)),
      [plain.ids, rowOf(other.ids)],
    )
    const attention = (m: Model) => m.module('model.layers.0.attn').ops
    const read = await model.generate([prompt], { maxNewTokens: TOKENS }, m => ({
      pattern: attention(m).Softmax[0].output,
      told: [...attention(m).Softmax[0].output.dims],
      logits: m.tensor('logits'),
    }))
    t.deepEqual(rowOf(read.ids), plain.ids)
    for (const [step, { pattern, told, logits }] of read.values.entries()) {
      t.true(
        near({ dims: [24], data: lastOf(logits) } as never, { dims: [24], data: plain.logits[step] } as never),
        `step ${step}`,
      )
      t.deepEqual(told, [...pattern.dims], `step ${step}`)
      // A sink adds one column to the pattern.
      const sinks = /sink|smooth/.test(graph.name) ? 1 : 0
      t.is(pattern.dims.at(-1), prompt.length + step + sinks, `step ${step}`)
    }
    const edited = await model.generate([prompt], { maxNewTokens: TOKENS }, m => {
      m.tensor('a').set('...', m.tensor('a').mul(m.tensor('a')))
      return m.tensor('logits')
    })
    t.deepEqual(rowOf(edited.ids), due.ids)
    for (const [step, logits] of edited.values.entries())
      t.true(
        near({ dims: [24], data: lastOf(logits) } as never, { dims: [24], data: due.logits[step] } as never),
        `edited step ${step}`,
      )
    const standing = model.edit(m => {
      m.tensor('a').set('...', m.tensor('a').mul(m.tensor('a')))
    })
    t.deepEqual(rowOf((await standing.generate([prompt], { maxNewTokens: TOKENS })).ids), due.ids)
    await standing.save(join(folder, `${i}-saved.onnx`))
    const saved = await load(join(folder, `${i}-saved.onnx`))
    t.deepEqual(rowOf((await saved.generate([prompt], { maxNewTokens: TOKENS })).ids), due.ids)
    for (const one of [model, saved]) await one.release()
  })
