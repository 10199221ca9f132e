import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { LanguageModel, load, type Tensor, type tensor } from 'onnsight'
import { compare } from 'onnsight/compare'
import { nameless, randomised, Spoilt } from './faults.ts'

const VERSE = 'test/fixtures/models/verse/onnx'
const ids = [
  [21, 347, 12, 90, 55, 601, 7, 33, 410, 18],
  [300, 44, 44, 219, 9, 87, 650, 71, 20, 5],
]
const a = await load(`${VERSE}/model.onnx`)
test.after.always(() => a.release())

/** The modules that only one build has: the masks of fused attention, and the final norm, which the builder gives a number. */
const onlyIn: Readonly<Record<string, RegExp>> = { q4: /attn_mask_reformat|layers\.4$/ }

for (const build of ['fp16', 'int8', 'q4'])
  test.serial(`every module of verse has its partner in ${build}`, async t => {
    const b = await load(`${VERSE}/model_${build}.onnx`)
    const found = await compare(a, b, ids)
    await b.release()
    t.deepEqual(found.unpaired.a, [])
    t.deepEqual(
      found.unpaired.b.filter(path => !onlyIn[build]?.test(path)),
      [],
    )
    for (const { a: one, b: other } of found.pairs) {
      const ends = [one, other].map(path => path.split('.').at(-1))
      const known = [
        ['self_attn', 'attn'],
        ['norm', 'final_norm_layernorm'],
      ].some(names => String(names) === String(ends))
      t.true(ends[0] === ends[1] || known, `${one} with ${other}`)
      t.is(/layers\.(\d)/.exec(one)?.[1] ?? '4', /layers\.(\d)/.exec(other)?.[1] ?? '4')
    }
    const values = found.modules.filter(({ made }) => made)
    t.true(values.length > 40)
    for (const { module, made } of values) t.true(made!.relative < 0.2, `${module}: ${made!.relative}`)
    // The shares nearly add up to the whole error. The rest is due to interactions between the errors.
    if (build !== 'fp16') t.true(Math.abs(found.unexplained.rest) < 0.35, String(found))
  })

test.serial(
  'the error of a module is B’s module on A’s values, and what arrives is the difference of whole runs',
  async t => {
    const b = await load(`${VERSE}/model_int8.onnx`)
    const found = await compare(a, b, [ids[0]])
    const path = 'model.layers.2.mlp.down_proj'
    const read = (model: typeof a, given?: ReturnType<typeof tensor>) =>
      model.trace([ids[0]], m => {
        const { down_proj } = m.model.layers[2].mlp
        if (given) down_proj.input = given
        return { input: down_proj.input, output: down_proj.output }
      })
    const [ours, theirs] = [await read(a), await read(b)]
    const forced = await read(b, ours.input)
    await b.release()
    const away = (one: ReturnType<typeof tensor>, other: ReturnType<typeof tensor>): number => {
      const [x, y] = [one.data as Float32Array, other.data as Float32Array]
      const length = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
      return length(x.map((value, i) => value - y[i])) / length(x)
    }
    const row = found.modules.find(({ module }) => module === path)!
    const near = (got: number, due: number) => t.true(Math.abs(got - due) < 1e-3 * due, `${got} is not ${due}`)
    near(row.error.relative, away(ours.output, theirs.output))
    near(row.arriving!.relative, away(ours.input, theirs.input))
    near(row.made!.relative, away(ours.output, forced.output))
    t.true(row.made!.relative < row.error.relative)
  },
)

test.serial('the effect of a module is the divergence of A with that module’s output of B', async t => {
  const b = await load(`${VERSE}/model_int8.onnx`)
  const found = await compare(a, b, [ids[1]])
  const path = 'model.layers.0.mlp.down_proj'
  const right = await a.trace([ids[1]], m => ({
    input: m.model.layers[0].mlp.down_proj.input,
    logits: m.lm_head.output,
  }))
  const spoilt = await b.trace([ids[1]], m => {
    m.model.layers[0].mlp.down_proj.input = right.input
    return m.model.layers[0].mlp.down_proj.output
  })
  await b.release()
  const logits = await a.trace([ids[1]], m => {
    m.model.layers[0].mlp.down_proj.output = spoilt
    return m.lm_head.output
  })
  const [due, got] = [right.logits.logSoftmax(-1), logits.logSoftmax(-1)]
  const kl = Number((await due.exp().mul(due.sub(got)).sum(-1).mean().value()).tolist())
  const { effect, share } = found.blame.find(({ module }) => module === path)!
  t.true(Math.abs(effect - kl) < 0.01 * kl, `${effect} is not ${kl}`)
  t.true(Math.abs(share - kl / found.output.mean) < 0.02)
})

test.serial('traces beside compare and after it give the same as before', async t => {
  const b = await load(`${VERSE}/model_int8.onnx`, { reuseBytes: 0 })
  const read = (): Promise<Tensor> => b.trace(ids, m => m.lm_head.output)
  const before = (await read()).tolist()
  const [beside] = await Promise.all([Promise.all([read(), read(), read()]), compare(a, b, [ids[0]])])
  for (const logits of [...beside, await read()]) t.deepEqual(logits.tolist(), before)
  await b.release()
  await t.throwsAsync(read(), { code: 'use-after-release' })
})

test.serial('of a long input, effects are measured at 32 positions, the last one among them', async t => {
  const path = 'test/fixtures/models/induction.onnx'
  const module = 'transformer.h.1.attn.c_proj'
  const spoilt = new Spoilt(path)
  spoilt.floats(`${module}.weight`, values => values.map(value => value * 1.3))
  spoilt.floats('transformer.wte.weight', values => values.map(value => value * 1.01))
  const other = join(folder, 'long.onnx')
  spoilt.save(other)
  const [right, b] = [await load(path), await load(other)]
  const long = [Array.from({ length: 48 }, (_, i) => (i * 7) % 24)]
  const found = await compare(right, b, long)
  const input = await right.trace(long, m => m.module(module).input)
  const made = await b.trace(long, m => {
    m.module(module).input = input
    return m.module(module).output
  })
  const logits = [
    await right.trace(long, m => m.lm_head.output),
    await right.trace(long, m => {
      m.module(module).output = made
      return m.lm_head.output
    }),
    await b.trace(long, m => m.lm_head.output),
  ]
  await right.release()
  await b.release()
  const positions = Array.from({ length: 32 }, (_, i) => Math.ceil(((i + 1) * 48) / 32) - 1)
  const [due, alone, all] = logits.map(one => one.logSoftmax(-1))
  const kl = async (got: typeof due): Promise<number> => {
    const each = due.exp().mul(due.sub(got)).sum(-1).indexSelect(1, positions)
    return Number((await each.mean().value()).tolist())
  }
  const { effect, share } = found.blame.find(one => one.module === module)!
  t.true(Math.abs(effect - (await kl(alone))) < 1e-3 * effect, `${effect}`)
  t.true(Math.abs(share - (await kl(alone)) / (await kl(all))) < 1e-3, `${share}`)
})

const folder = mkdtempSync(join(tmpdir(), 'onnsight-compare-'))
test.after.always(() => rmSync(folder, { recursive: true }))

test.serial(
  'a build without names is paired by its structure, and modules are blamed; without any modules, nodes are',
  async t => {
    const path = 'test/fixtures/models/induction.onnx'
    const [plain, spoilt] = [nameless(path), nameless(path)]
    const products = spoilt.proto.graph!.node.filter(({ opType }) => opType === 'Gemm')
    const [, , , product] = products
    spoilt.floats(product.input[1], values => values.map(value => value * 2))
    plain.save(join(folder, 'plain.onnx'))
    spoilt.save(join(folder, 'spoilt.onnx'))
    const models = await Promise.all(
      [path, join(folder, 'plain.onnx'), join(folder, 'spoilt.onnx')].map(one => load(one)),
    )
    const [named, one, other] = models
    const same = await compare(named, one, [[1, 2, 3, 1, 2]])
    t.is(same.output.mean, 0)
    t.deepEqual(
      same.pairs.filter(({ by }) => by !== 'structure'),
      [],
    )
    t.true(same.pairs.some(pair => pair.a === 'transformer.h.1.attn.c_proj'))
    const found = await compare(named, other, [[1, 2, 3, 1, 2]])
    t.is(found.culprit, 'transformer.h.1.attn.c_proj')
    const bare = await compare(one, other, [[1, 2, 3, 1, 2]])
    const index = spoilt.proto.graph!.node.filter(({ opType }) => opType !== 'Constant').indexOf(product)
    t.regex(bare.blame[0].node!, /^Gemm/)
    t.is(one.nodeNames.indexOf(bare.blame[0].node!), index)
    t.regex(bare.advice, /^The node Gemm/)
    for (const model of models) await model.release()
  },
)

test.serial('inside of a module, blame goes to its nodes', async t => {
  const spoilt = new Spoilt(`${VERSE}/model.onnx`)
  spoilt.node('/model/layers.0/self_attn/Add_2').input[1] = '/model/Where_1_output_0'
  spoilt.save(join(folder, 'mask.onnx'))
  const b = await load(join(folder, 'mask.onnx'))
  const found = await compare(a, b, ids, { inside: 'model.layers.0.self_attn' })
  t.is(found.blame[0].node, '/model/layers.0/self_attn/Add_2')
  t.is(found.blame[0].module, 'model.layers.0.self_attn')
  t.true(found.blame[0].share > 0.95)
  await t.throwsAsync(compare(a, b, ids, { inside: 'model.layers.9' }), { code: 'unknown-module' })
  await b.release()
})

test.serial('what is left of the error with a module in float is what B gives with the module of A', async t => {
  const b = await load(`${VERSE}/model_int8.onnx`)
  const found = await compare(a, b, ids, { keepFloat: 2 })
  const paths = found.keepFloat.map(({ module }) => module)
  t.deepEqual(
    paths,
    found.blame.slice(0, 2).map(({ module }) => module),
  )
  t.true(found.keepFloat[1].left < found.keepFloat[0].left)
  t.true(found.keepFloat[0].left < 0.8)
  let sum = 0
  for (const row of ids) {
    const right = await a.trace([row], m => m.lm_head.output)
    // B up to the module, the module of A, and B from there.
    const input = await b.trace([row], m => m.module(paths[0]).input)
    const output = await a.trace([row], m => {
      m.module(paths[0]).input = input
      return m.module(paths[0]).output
    })
    const logits = await b.trace([row], m => {
      m.module(paths[0]).output = output
      return m.lm_head.output
    })
    const [due, got] = [right.logSoftmax(-1), logits.logSoftmax(-1)]
    sum += Number((await due.exp().mul(due.sub(got)).sum(-1).mean().value()).tolist())
  }
  const kl = sum / ids.length
  t.true(Math.abs(found.keepFloat[0].error - kl) < 0.001 * kl, `${found.keepFloat[0].error} is not ${kl}`)
  t.is(paths[0], 'model.layers.0.mlp.down_proj')
  t.true(Math.abs(found.keepFloat[0].bytes / (3 * 320 * 128) - 1) < 0.01)
  await t.throwsAsync(compare(a, b, ids, { keepFloat: -1 }), { code: 'argument' })
  await b.release()
})

test.serial('modules beside a fused attention are left in float too', async t => {
  const b = await load(`${VERSE}/model_q4.onnx`)
  const found = await compare(a, b, [ids[0]], { keepFloat: 6 })
  await b.release()
  t.is(found.keepFloat.length, 6)
  t.true(
    found.keepFloat.some(({ module }) => /self_attn\.[qkv]_proj/.test(module)),
    String(found),
  )
  t.true(found.keepFloat[5].left < found.keepFloat[0].left)
})

test.serial('a model is no different from itself', async t => {
  const found = await compare(a, a, ids)
  t.is(found.output.mean, 0)
  t.is(found.culprit, null)
  t.true(found.blame.every(({ share }) => share === 0))
  t.true(found.modules.every(({ error, made }) => error.max === 0 && (made === null || made.max === 0)))
})

test.serial('without inputs it makes up texts that the tokenizer knows, the same in each call', async t => {
  const model = await LanguageModel.load('test/fixtures/models/chars.onnx')
  const [one, other] = [await compare(model, model), await compare(model, model)]
  await model.release()
  t.true(one.inputs.length >= 4)
  t.true(one.inputs.every(text => /^[A-Z][a-z ,]+/.test(text)))
  t.deepEqual(one.inputs, other.inputs)
})

test.serial('without a tokenizer it makes up ids that the model has', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  const found = await compare(model, model)
  await model.release()
  t.is(found.inputs.length, 8)
})

test.serial('a model with its weights in another file is no different from the same in one file', async t => {
  const models = 'test/fixtures/models'
  const [one, other] = [await load(`${models}/chars.onnx`), await load(`${models}/chars-external.onnx`)]
  const found = await compare(one, other, [[1, 2, 3, 4]])
  await one.release()
  await other.release()
  t.is(found.output.mean, 0)
  t.deepEqual(found.unpaired, { a: [], b: [] })
})

interface Schema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Schema>>
}

test.serial('the JSON is what its schema says', async t => {
  const b = await load(`${VERSE}/model_int8.onnx`)
  const found = await compare(a, b, ids)
  await b.release()
  const schema = JSON.parse(readFileSync('compare/compare.schema.json', 'utf8')) as Schema
  let checked = 0
  const fits = (value: unknown, rule: Schema, path: string): boolean => {
    if (rule.$ref) return fits(value, schema.$defs![rule.$ref.split('/').at(-1)!], path)
    if (rule.anyOf) return rule.anyOf.some(one => fits(value, one, path))
    const kind = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
    if (rule.type && ![rule.type].flat().includes(kind)) return false
    if (rule.const !== undefined && value !== rule.const) return false
    if (rule.enum && !rule.enum.includes(value)) return false
    checked++
    if (kind === 'array') return (value as unknown[]).every(item => fits(item, rule.items!, `${path}[]`))
    if (kind !== 'object' || !rule.properties) return true
    const names = Object.keys(value as object)
    t.deepEqual(names.toSorted(), [...rule.required!].toSorted(), path)
    return names.every(name =>
      fits((value as Record<string, unknown>)[name], rule.properties![name], `${path}.${name}`),
    )
  }
  t.true(fits(JSON.parse(JSON.stringify({ ...found, metrics: found.metrics })), schema, 'comparison'))
  t.true(checked > 500)
})

test.serial('models with different tokenizers are not compared', async t => {
  const chars = await LanguageModel.load('test/fixtures/models/chars.onnx')
  const verse = await LanguageModel.load('test/fixtures/models/verse')
  await t.throwsAsync(compare(verse, chars), { code: 'compare-inputs', message: /tokenizers/ })
  await chars.release()
  await verse.release()
})

test.serial('models of other weights are not compared', async t => {
  const path = join(folder, 'random.onnx')
  randomised('test/fixtures/models/chars.onnx').save(path)
  const [one, other] = [await load('test/fixtures/models/chars.onnx'), await load(path)]
  await t.throwsAsync(compare(one, other, [[1, 2, 3, 4]]), { code: 'compare-unrelated' })
  await one.release()
  await other.release()
})
