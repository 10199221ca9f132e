import { readFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import test from 'ava'
import {
  LanguageModel,
  load,
  type Model,
  type OnnsightError,
  type Tensor,
  type TensorLike,
  WorkerBackend,
} from 'onnsight'
import { edit, generate, session, trace } from 'onnsight/trace.macro'
import { type ModelProto, ModelProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { floats, graph, node, OnnxType, saved, value } from '../model/hand-graph.ts'

// A small encoder–decoder in the forms that Optimum exports. reference.json has PyTorch's values.

const folder = 'test/fixtures/encoder-decoder'
interface Greedy {
  readonly ids: number[][]
  readonly steps: readonly { readonly attention: number[][]; readonly logits: number[][] }[]
}
const reference = JSON.parse(readFileSync(`${folder}/reference.json`, 'utf8')) as {
  readonly source: number[][]
  readonly mask: number[][]
  readonly start: number[][]
  readonly states: number[][][]
  readonly plain: Greedy
  readonly scaled: Greedy
}
const { source, mask, start } = reference
const maxNewTokens = reference.plain.steps.length

const proto = (name: string): ModelProto => fromBinary(ModelProtoSchema, readFileSync(`${folder}/${name}.onnx`))

/** One branch of a merged decoder. Its outputs get other names, and its weights are moved outside. */
function branch(name: string, outputs: readonly string[]) {
  const main = proto(name).graph!
  const weights = new Map(main.initializer.map(tensor => [tensor.name, `${tensor.name}_of_${name}`]))
  const renamed = (given: string): string => weights.get(given) ?? (outputs.includes(given) ? `${given}_inner` : given)
  for (const inner of main.node) {
    inner.input = inner.input.map(renamed)
    inner.output = inner.output.map(renamed)
  }
  for (const tensor of main.initializer) tensor.name = weights.get(tensor.name)!
  return main
}

/** A decoder as Optimum merges it: a branch without the past, and one with it, whose outputs for the encoder's keys and values are empty. */
function mergedDecoder(): ModelProto {
  const merged = proto('decoder')
  const outputs = merged.graph!.output.map(({ name }) => name)
  const [first, next] = [branch('decoder', outputs), branch('decoder_with_past', outputs)]
  const made = new Set(proto('decoder_with_past').graph!.output.map(({ name }) => name))
  const missing = outputs.filter(name => !made.has(name))
  const main = merged.graph!
  const pasts = proto('decoder_with_past').graph!.input.filter(({ name }) => name.startsWith('past'))
  main.input.push(...pasts, value('use_cache_branch', OnnxType.BOOL, [1]))
  main.initializer = [...first.initializer, ...next.initializer]
  main.valueInfo = []
  const inner = outputs.map(name => `${name}_inner`)
  const empty = missing.map(name =>
    node('Constant', [], [`${name}_inner`], { value: floats('', [0, 2, 1, 4], []) }, `${name}_none`),
  )
  const bodies = {
    then_branch: graph({ nodes: [...next.node, ...empty], outputs: inner }, 'with'),
    else_branch: graph({ nodes: first.node, outputs: inner }, 'without'),
  }
  main.node = [node('If', ['use_cache_branch'], outputs, bodies, 'optimum::if')]
  return merged
}

const encoder = await load(`${folder}/encoder.onnx`)
const decoder = await load(`${folder}/decoder.onnx`)
const withPast = await load(`${folder}/decoder_with_past.onnx`)
const merged = await load(saved(mergedDecoder(), 'merged-encoder-decoder.onnx'))
const whole = await load(`${folder}/whole.onnx`)
test.after.always(() => Promise.all([encoder, decoder, withPast, merged, whole].map(model => model.release())))

const rows = (ids: Tensor): number[][] => (ids.tolist() as bigint[][]).map(row => row.map(Number))
const sourceInputs = { input_ids: source, attention_mask: mask }

function close(got: Tensor, expected: readonly (readonly number[])[]): boolean {
  const due = expected.flat()
  const data = Array.from(got.data as Float32Array)
  return data.length === due.length && data.every((x, i) => Math.abs(x - due[i]) < 1e-3 * Math.max(1, Math.abs(due[i])))
}

/** The inputs for each form of decoder. The encoder runs once, in a trace, to compute its states. */
async function cases(): Promise<
  Record<string, { model: Model; inputs: Record<string, TensorLike>; attention: (m: Model) => Tensor }>
> {
  const states = await trace(encoder, sourceInputs, () => encoder.tensor('last_hidden_state'))
  const given = { input_ids: start, encoder_hidden_states: states, encoder_attention_mask: mask }
  const { logits: _, ...presents } = await decoder.run(given)
  const crosses = Object.entries(presents).filter(([name]) => name.includes('.encoder.'))
  const pasts = Object.fromEntries(crosses.map(([name, data]) => [name.replace('present', 'past_key_values'), data]))
  const attention = (m: Model): Tensor => m.model.layers[0].encoder_attn.output
  return {
    'a decoder without a cache': { model: decoder, inputs: given, attention },
    'a decoder with a cache': {
      model: withPast,
      inputs: { input_ids: start, encoder_attention_mask: mask, ...pasts },
      attention,
    },
    'a merged decoder': { model: merged, inputs: given, attention },
    'encoder and decoder in one model': {
      model: whole,
      inputs: { ...sourceInputs, decoder_input_ids: start },
      attention: m => m.model.decoder.layers[0].encoder_attn.output,
    },
  }
}

test('an encoder’s states, and generation from them: PyTorch’s tokens and values, read and changed in each step', async t => {
  const states = await trace(encoder, sourceInputs, () => encoder.tensor('last_hidden_state'))
  t.true(close(states, reference.states.flat()))
  for (const [what, { model, inputs, attention }] of Object.entries(await cases())) {
    for (const [scale, due] of [
      [1, reference.plain],
      [-3, reference.scaled],
    ] as const) {
      const { ids, values } = await generate(model, inputs, { maxNewTokens }, m => {
        if (scale !== 1) attention(m).set('...', attention(m).mul(scale))
        return { attention: attention(m).slice([{}, -1]), logits: m.lm_head.output.slice([{}, -1]) }
      })
      t.deepEqual(rows(ids), due.ids, `${what}, times ${scale}`)
      for (const [step, got] of values.entries()) {
        t.true(close(got.attention, due.steps[step].attention), `${what}, times ${scale}, attention of step ${step}`)
        t.true(close(got.logits, due.steps[step].logits), `${what}, times ${scale}, logits of step ${step}`)
      }
    }
    t.deepEqual(rows((await generate(model, inputs, { maxNewTokens })).ids), reference.plain.ids, `${what}, no block`)
  }
  t.notDeepEqual(reference.plain.ids, reference.scaled.ids)
})

test('one beam alone, and sequences of one prompt, take the encoder’s states of their own prompt', async t => {
  for (const [what, { model, inputs }] of Object.entries(await cases())) {
    const draws = { maxNewTokens, temperature: 1e-3, seed: 1, numSequences: 2 }
    const twice = reference.plain.ids.flatMap(row => [row, row])
    t.deepEqual(rows((await generate(model, inputs, draws)).ids), twice, what)
    const beams = await generate(model, inputs, { maxNewTokens, numBeams: 3 })
    t.deepEqual(beams.ids.dims, [reference.plain.ids.length, maxNewTokens + 1], what)
    t.deepEqual(
      rows(beams.ids),
      rows(
        (await generate(decoder, (await cases())['a decoder without a cache'].inputs, { maxNewTokens, numBeams: 3 }))
          .ids,
      ),
      what,
    )
  }
})

test('the encoder as an option: one call from the source to the tokens, of ids and of texts', async t => {
  const options = { encoder, maxNewTokens, decoderStartTokenId: start[0][0] }
  for (const model of [merged, decoder]) {
    const { ids, values } = await generate(model, sourceInputs, options, m => m.lm_head.output.slice([{}, -1]))
    t.deepEqual(rows(ids), reference.plain.ids)
    for (const [step, logits] of values.entries()) t.true(close(logits, reference.plain.steps[step].logits))
    const own = { ...sourceInputs, decoder_input_ids: start }
    t.deepEqual(rows((await generate(model, own, { encoder, maxNewTokens })).ids), reference.plain.ids)
    t.is((await generate(model, [source[0]], { ...options, numBeams: 2 })).ids.dims[0], 1)
  }
  // The folder has Optimum's layout, and the vocabulary consists of letters.
  const place = await mkdtemp(join(tmpdir(), 'onnsight-encoder-decoder-'))
  await mkdir(join(place, 'onnx'))
  await copyFile(`${folder}/encoder.onnx`, join(place, 'onnx/encoder_model.onnx'))
  await copyFile(saved(mergedDecoder(), 'merged-for-texts.onnx'), join(place, 'onnx/decoder_model_merged.onnx'))
  const chars = [...'abcdefghijklm']
  await writeFile(join(place, 'tokenizer.json'), JSON.stringify({ chars }))
  await writeFile(join(place, 'config.json'), JSON.stringify({ decoder_start_token_id: start[0][0] }))
  const model = await LanguageModel.load(place)
  const write = (ids: readonly number[]): string => ids.map(id => chars[id]).join('')
  const texts = source.map((row, i) => write(row.filter((_, at) => mask[i][at] === 1)))
  const { text } = await model.generate(texts, { maxNewTokens })
  t.deepEqual(
    text,
    reference.plain.ids.map(row => write(row.slice(1))),
  )
  const ids = await model.generate(sourceInputs, { maxNewTokens }, m => m.lm_head.output)
  t.deepEqual(rows(ids.ids), reference.plain.ids)
  const blind = edit(encoder, m => {
    m.tensor('last_hidden_state').set('...', 0)
  })
  t.notDeepEqual(rows((await model.generate(texts, { maxNewTokens, encoder: blind })).ids), reference.plain.ids)
  const one = model.generate(texts[1], { maxNewTokens })
  const pieces: string[] = []
  for await (const piece of one.textStream) pieces.push(piece)
  t.deepEqual([(await one).text, pieces.join('')], [text[1], text[1]])
  await model.release()
  const wrong: [object, RegExp][] = [
    [{ encoder: {} }, /encoder is no model/],
    [{ encoder }, /token that the decoder’s texts begin with is not known/],
    [{ encoder, decoderStartTokenId: -1 }, /decoderStartTokenId is -1/],
  ]
  for (const [options, message] of wrong) {
    const error = (await t.throwsAsync(
      merged.generate(sourceInputs, { maxNewTokens, ...options } as never),
    )) as OnnsightError
    t.is(error.code, 'generate')
    t.regex(error.message, message)
  }
})

test('dims are right in every step: the encoder’s length stays', async t => {
  for (const [what, { model, inputs, attention }] of Object.entries(await cases())) {
    const { values } = await generate(model, inputs, { maxNewTokens }, m => ({
      told: attention(m).dims,
      out: attention(m),
    }))
    for (const { told, out } of values) t.deepEqual([...told], [...out.dims], what)
  }
})

test('in a session the states flow into the generation; in a worker the same', async t => {
  const ids = await session(encoder, async () => {
    const states = await trace(encoder, sourceInputs, () => encoder.tensor('last_hidden_state'))
    const made = await generate(
      merged,
      { input_ids: start, encoder_hidden_states: states, encoder_attention_mask: mask },
      { maxNewTokens },
    )
    return made.ids
  })
  t.deepEqual(rows(ids), reference.plain.ids)
  const backend = new WorkerBackend()
  const { inputs } = (await cases())['a merged decoder']
  t.deepEqual(rows((await generate(merged, inputs, { maxNewTokens, backend })).ids), reference.plain.ids)
  backend.release()
})

test('generation goes on from a cache that is given, with the encoder’s part of it', async t => {
  const { inputs } = (await cases())['a merged decoder']
  const first = await merged.run({ ...inputs, ...(await empties()), use_cache_branch: [false] })
  const pasts = Object.entries(first).filter(([name]) => name.startsWith('present'))
  const given = Object.fromEntries(pasts.map(([name, data]) => [name.replace('present', 'past_key_values'), data]))
  const second = reference.plain.ids.map(row => [row[1]])
  const { ids } = await generate(merged, { ...inputs, ...given, input_ids: second }, { maxNewTokens: maxNewTokens - 1 })
  t.deepEqual(
    rows(ids),
    reference.plain.ids.map(row => row.slice(1)),
  )
})

async function empties(): Promise<Record<string, Tensor>> {
  const { zeros } = await import('onnsight')
  const names = [0, 1].flatMap(i =>
    ['decoder', 'encoder'].flatMap(of => ['key', 'value'].map(kind => `${i}.${of}.${kind}`)),
  )
  return Object.fromEntries(names.map(name => [`past_key_values.${name}`, zeros([3, 2, 0, 4])]))
}

test('without the encoder’s keys and values a decoder that only takes them is refused, and the input named', async t => {
  const error = (await t.throwsAsync(
    withPast.generate({ input_ids: start, encoder_attention_mask: mask }, { maxNewTokens: 2 }),
  )) as OnnsightError
  t.is(error.code, 'generate')
  t.regex(error.message, /past_key_values\.0\.encoder\.key.*encoder’s states/)
  t.regex(String(error.fix), /present\.0\.encoder\.key/)
})
