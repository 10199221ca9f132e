import test from 'ava'
import { load, type Model, readSafetensors, type Tensor, WorkerBackend } from 'onnsight'
import { edit, generate, invoke, trace } from 'onnsight/trace.macro'
import { hookName } from '../../runtime/names/hooks/short-names.ts'
import { near } from '../near.ts'
import { published, type Row, tableOf, writeTables } from './names-table.ts'

/** Scores below this are masked: those of keys that a query does not see are −∞ in TransformerLens, and the least number here. */
const MASKED = -1e30

async function off(got: Tensor, due: Tensor): Promise<number> {
  if (String(got.dims) !== String(due.dims)) return Number.POSITIVE_INFINITY
  const [a, b] = [(await got.to('float32').value()).data as Float32Array, due.data as Float32Array]
  const seen = b.map((value, i) => (value < MASKED || !Number.isFinite(value) ? 0 : Math.abs(a[i] - value)))
  const largest = Math.max(...b.map(value => (value < MASKED || !Number.isFinite(value) ? 0 : Math.abs(value))))
  return Math.max(...seen) / Math.max(1, largest)
}

const peers = ['gpt2', 'llama'] as const

/** Adds the differences `offs` of one model to the rows. There is a row for each name, which all layers share. */
function addRows(rows: Map<string, Row>, model: string, offs: readonly (readonly [string, number, Tensor])[]): void {
  for (const [name, value, { dims }] of offs) {
    const key = name.replace(/blocks\.\d+/, 'blocks.i').replace(/\[\d+\]/, '[i]')
    const row = rows.get(key) ?? { name: key, dims: `[${dims.join(', ')}]`, off: {} }
    rows.set(key, { ...row, off: { ...row.off, [model]: Math.max(row.off[model] ?? 0, value) } })
  }
}

test('every name of TransformerLens and nnterp gives their value, and the page lists them', async t => {
  const [lensRows, standardRows] = [new Map<string, Row>(), new Map<string, Row>()]
  for (const name of peers) {
    const due = await readSafetensors(`test/fixtures/peers/${name}.safetensors`)
    const model = await load(`test/fixtures/peers/${name}.onnx`)
    const prompt = due.input_ids as never
    const keysOf = (prefix: string): string[] =>
      Object.keys(due).flatMap(key => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []))

    const names = keysOf('lens:').filter(one => one !== 'logits')
    t.true(names.length > 38)
    const all = Object.keys(model.hooks)
    const { logits, cache } = await model.runWithCache(
      prompt,
      names.sort((a, b) => all.indexOf(a) - all.indexOf(b)),
    )
    t.is(cache.size, names.length)
    const offs: (readonly [string, number, Tensor])[] = []
    for (const [key, value] of cache) offs.push([key, await off(value, due[`lens:${key}`]), value])
    offs.push(['logits', await off(logits!, due['lens:logits']), logits!])
    for (const [key, value] of offs) t.true(value < 1e-4, `${name}: ${key} is off by ${value}`)
    addRows(lensRows, name, offs)
    t.deepEqual(
      all.filter(key => !names.includes(key)),
      ['hook_logits'],
      'and there are no others',
    )

    const keys = keysOf('standard:')
    t.is(keys.length, 13)
    const read = await model.trace(prompt, m =>
      Object.fromEntries(
        keys.map(key => {
          const [, of, layer] = /^(\w+)(?:\[(\d+)\])?$/.exec(key)!
          const values = m.standard[of as 'layers_output']
          return [key, layer === undefined ? (values as unknown as Tensor) : values[Number(layer)]]
        }),
      ),
    )
    const standard: (readonly [string, number, Tensor])[] = []
    for (const key of keys) standard.push([key, await off(read[key], due[`standard:${key}`]), read[key]])
    for (const [key, value] of standard) t.true(value < 1e-4, `${name}: ${key} is off by ${value}`)
    addRows(standardRows, name, standard)
    t.is(model.standard.num_layers, 2)
    t.is(model.standard.num_heads, 4)
    t.is(model.standard.layers_output.length, 2)
    await model.release()
  }
  const rows = [...lensRows.values(), ...standardRows.values()]
  if (process.env.UPDATE_NAMES)
    writeTables(tableOf([...lensRows.values()], peers), tableOf([...standardRows.values()], peers))
  t.deepEqual(
    published(),
    rows.map(row => row.name),
    'docs/names.md is old: run with UPDATE_NAMES=1',
  )
})

const written = [
  'hook_embed',
  'blocks.1.hook_resid_pre',
  'blocks.1.ln1.hook_scale',
  'blocks.1.ln1.hook_normalized',
  'blocks.1.attn.hook_q',
  'blocks.1.attn.hook_k',
  'blocks.1.attn.hook_v',
  'blocks.1.attn.hook_attn_scores',
  'blocks.1.attn.hook_pattern',
  'blocks.1.attn.hook_z',
  'blocks.1.attn.hook_result',
  'blocks.1.hook_attn_out',
  'blocks.1.hook_resid_mid',
  'blocks.1.ln2.hook_scale',
  'blocks.1.ln2.hook_normalized',
  'blocks.1.mlp.hook_pre',
  'blocks.1.mlp.hook_post',
  'blocks.1.hook_mlp_out',
  'blocks.1.hook_resid_post',
]
const encoded = { input_ids: [[5, 6, 7]], attention_mask: [[1, 1, 1]], token_type_ids: [[0, 1, 0]] }
const files: readonly (readonly [string, unknown, readonly string[]])[] = [
  ['models/chars.onnx', [[5, 6, 7]], ['hook_pos_embed', 'ln_final.hook_scale', 'ln_final.hook_normalized']],
  ['models/chars-scopes.onnx', [[5, 6, 7]], ['hook_pos_embed', 'ln_final.hook_scale', 'ln_final.hook_normalized']],
  ['models/chars-fp16.onnx', [[5, 6, 7]], ['hook_pos_embed', 'ln_final.hook_scale', 'ln_final.hook_normalized']],
  ...['model', 'model_fp16', 'model_int8', 'model_q4'].map(
    build =>
      [
        `models/verse/onnx/${build}.onnx`,
        [[5, 6, 7]],
        [
          'blocks.1.attn.hook_rot_q',
          'blocks.1.attn.hook_rot_k',
          'blocks.1.mlp.hook_pre_linear',
          'ln_final.hook_normalized',
        ],
      ] as const,
  ),
  ['exported/llama/genai-int4/model.onnx', [[5, 6, 7]], ['blocks.1.attn.hook_rot_k', 'ln_final.hook_scale']],
  ['exported/bert/classic+int8/model.onnx', encoded, ['hook_token_type_embed', 'blocks.1.hook_normalized_resid_post']],
  [
    'exported/bert/classic+optimizer/model.onnx',
    encoded,
    ['hook_token_type_embed', 'blocks.1.hook_normalized_resid_post'],
  ],
]

/** The model's final output. */
const last = (m: Model): Tensor =>
  'hook_logits' in m.hooks ? m.hooks.hook_logits : m.standard.layers_output[m.standard.num_layers - 1]

for (const [file, inputs, more] of files) {
  test(`${file}: hooks are read, add up, and what is written to one moves what follows`, async t => {
    const model = await load(`test/fixtures/${file}`)
    const names = [...written, ...more]
    t.deepEqual(
      names.filter(name => !(name in model.hooks)),
      [],
    )
    const plain = await model.trace(inputs as never, m => ({
      last: last(m),
      values: Object.fromEntries(names.map(name => [name, m.hooks[name]])),
      mid: m.hooks['blocks.1.hook_resid_pre'].add(m.hooks['blocks.1.hook_attn_out']),
      attention: m.hooks['blocks.1.attn.hook_result'].sum(2),
    }))
    const tolerance = /fp16|int8|int4/.test(file) ? 4e-2 : 1e-4
    const same = async (a: Tensor, b: Tensor): Promise<boolean> =>
      near(await a.to('float32').value(), await b.to('float32').value(), tolerance)
    t.true(await same(plain.mid, plain.values['blocks.1.hook_resid_mid']))
    for (const name of names) {
      // The value is not only scaled, because a norm after it would undo that.
      const change = (value: Tensor): Tensor => value.mul(3).assign('..., 0', 5)
      const moved = await model.trace(inputs as never, m => {
        m.hooks[name] = change(m.hooks[name])
        return { last: last(m), value: m.hooks[name] }
      })
      t.true(await same(moved.value, await change(plain.values[name]).value()), `${name} is what was written`)
      t.false(
        near(await moved.last.to('float32').value(), await plain.last.to('float32').value(), 1e-5),
        `${name} moves`,
      )
    }
    const back = await model.trace(inputs as never, m => {
      for (const name of names) m.hooks[name] = m.hooks[name].mul(1)
      return last(m)
    })
    // Integers round the parts of a product and its sum differently.
    t.true(
      near(
        await back.to('float32').value(),
        await plain.last.to('float32').value(),
        /int8/.test(file) ? 0.2 : tolerance,
      ),
    )
    await model.release()
  })
}

test('hooks and standard names in every construct', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  const ids = [[18, 47, 56, 57]]
  const due = await model.trace(ids, m => {
    m.transformer.h[1].output = m.transformer.h[1].output.mul(2)
    return m.lm_head.output
  })
  const byHook = await trace(model, ids, () => {
    model.hooks['blocks.1.hook_resid_post'] = model.hooks['blocks.1.hook_resid_post'].mul(2)
    return model.hooks.hook_logits
  })
  const byStandard = await trace(model, ids, () => {
    model.standard.layers_output[1] = model.standard.layers_output[1].mul(2)
    return model.standard.logits
  })
  t.true(near(byHook, due, 1e-5))
  t.true(near(byStandard, due, 1e-5))
  const [one, other] = await trace(model, () => [
    invoke(ids, () => {
      model.hooks['blocks.1.hook_resid_post'] = model.hooks['blocks.1.hook_resid_post'].mul(2)
      return model.lm_head.output
    }),
    invoke([[1, 2, 3, 4]], () => model.lm_head.output),
  ])
  t.true(near(one, due, 1e-4))
  t.true(near(other, await model.trace([[1, 2, 3, 4]], m => m.lm_head.output), 1e-4))
  const edited = edit(model, m => {
    m.hooks['blocks.1.hook_resid_post'] = m.hooks['blocks.1.hook_resid_post'].mul(2)
  })
  const { logits, cache } = await edited.runWithCache(ids, /resid_post$/)
  t.true(near(logits, due, 1e-5))
  t.is(cache.size, 4)
  t.deepEqual([...cache.keys()][0], 'blocks.0.hook_resid_post')
  const { values } = await generate(model, ids, { maxNewTokens: 2 }, m => m.standard.next_token_probs)
  t.deepEqual(values[1].dims, [1, 65])
  const backend = new WorkerBackend()
  const there = await model.runWithCache(ids, ['pattern0', 'blocks.1.hook_mlp_out'], { backend })
  backend.release()
  t.deepEqual(there.cache.get('pattern', 0).dims, [1, 4, 4, 4])
  t.true(near(there.cache.get('mlp_out', 1), await model.trace(ids, m => m.transformer.h[1].mlp.output), 1e-5))
  await model.release()
})

test('an OPT with a filled cache: hooks are PyTorch’s in each step, with batch and token as two axes in its flat MLP', async t => {
  const due = await readSafetensors('test/fixtures/exported/opt/reference.safetensors')
  const model = await load('test/fixtures/exported/opt/model.onnx')
  const inputs = { input_ids: due['full.input_ids'], attention_mask: due['full.attention_mask'] }
  const names = Object.keys(model.hooks).filter(name => /^blocks\.\d\.(hook|ln|mlp)/.test(name) && !/_mid$/.test(name))
  t.is(names.length, 20)
  const mlp = 'blocks.1.hook_mlp_out'
  const edits = { plain: () => {}, mlp: (m: Model) => m.hooks[mlp].set(':, -1, :8', 0) }
  for (const [edit, change] of Object.entries(edits)) {
    const { ids, values } = await model.generate(inputs, { maxNewTokens: 3, eosTokenId: [] }, m => {
      change(m)
      return {
        hooks: Object.fromEntries(names.map(name => [name, m.hooks[name]])),
        added: m.standard.mlps_output[1],
        logits: m.hooks.hook_logits.slice(':, -1'),
      }
    })
    t.deepEqual(ids.tolist(), due[`full.${edit}.ids`].tolist())
    for (const [step, { hooks, added, logits }] of values.entries()) {
      t.true((await off(logits, due[`full.${edit}.step.${step}.logits`])) < 1e-5)
      t.deepEqual(added.dims, hooks[mlp].dims)
      for (const [name, value] of Object.entries(edit === 'plain' ? hooks : {})) {
        const stored = due[`full.plain.step.${step}.${name.replace('blocks', 'layer')}`]
        t.true((await off(value, stored)) < 1e-5, `step ${step}: ${name}`)
      }
    }
  }
  t.true(
    (await off(due['full.mlp.step.0.logits'], due['full.plain.step.0.logits'])) > 0.05,
    'the edit moves the logits',
  )
  const scale = 'blocks.1.ln2.hook_scale'
  const twice = await model.trace(inputs, m => {
    const before = m.hooks['blocks.1.ln2.hook_normalized']
    m.hooks[scale] = m.hooks[scale].mul(2)
    return { before, scale: m.hooks[scale], logits: m.hooks.hook_logits.slice(':, -1') }
  })
  t.true(near(twice.scale, await due['full.plain.step.0.layer.1.ln2.hook_scale'].mul(2).value(), 1e-5))
  t.true((await off(twice.logits, due['full.plain.step.0.logits'])) > 0.02)
  await model.release()
})

test('short names are those of TransformerLens’s get_act_name', t => {
  const due: readonly (readonly [string, Parameters<typeof hookName>])[] = [
    ['blocks.6.attn.hook_k', ['k', 6, 'a']],
    ['blocks.2.mlp.hook_pre', ['pre', 2]],
    ['hook_embed', ['embed']],
    ['blocks.27.ln2.hook_normalized', ['normalized', 27, 'ln2']],
    ['blocks.6.attn.hook_k', ['k6']],
    ['blocks.4.ln1.hook_scale', ['scale4ln1']],
    ['blocks.5.mlp.hook_pre', ['pre5']],
    ['blocks.3.hook_resid_pre', ['resid_pre', 3]],
    ['blocks.3.attn.hook_pattern', ['attn', 3]],
    ['blocks.3.attn.hook_attn_scores', ['attn_scores', 3]],
    ['ln_final.hook_normalized', ['normalized']],
    ['blocks.1.hook_mlp_out', ['mlp_out', 1]],
    ['blocks.11.hook_resid_post', ['resid_post', -1, undefined, 12]],
    ['blocks.3.hook_resid_post', ['blocks.3.hook_resid_post']],
  ]
  for (const [name, args] of due) t.is(hookName(...args), name)
})

test('a name that has no part says why', async t => {
  const [chars, induction, bert] = await Promise.all(
    ['models/chars', 'models/induction', 'exported/bert/classic+optimizer/model'].map(name =>
      load(`test/fixtures/${name}.onnx`),
    ),
  )
  const ids = [[5, 6, 7]]
  const cases: readonly (readonly [Model, unknown, string, RegExp])[] = [
    [chars, ids, 'blocks.0.attn.hook_rot_q', /no rotary embedding lies between/],
    [chars, ids, 'blocks.4.hook_resid_pre', /4 layers, blocks\.0 to blocks\.3/],
    [chars, ids, 'blocks.0.mlp.hook_pre_linear', /the MLP has no gate/],
    [chars, ids, 'blocks.0.hook_q_input', /own copy of the residual stream/],
    [
      chars,
      ids,
      'blocks.0.attn.hook_patern',
      /no hook of TransformerLens.*\n.*\n?.*did you mean blocks\.0\.attn\.hook_pattern/s,
    ],
    [induction, ids, 'blocks.1.mlp.hook_post', /the layer has no MLP/],
    [induction, ids, 'blocks.1.cross_attn.hook_z', /no cross-attention/],
    [bert, encoded, 'hook_logits', /no output of scores/],
  ]
  for (const [model, inputs, name, message] of cases)
    await t.throwsAsync(
      model.trace(inputs as never, m => m.hooks[name]),
      { code: 'no-hook', message },
    )
  const { cache } = await chars.runWithCache(ids, 'hook_embed')
  t.throws(() => cache.get('pattern', 0), { code: 'no-hook', message: /the cache does not hold it/ } as never)
  for (const model of [chars, induction, bert]) await model.release()
})
