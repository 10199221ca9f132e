import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { eye, LanguageModel, load, type Tensor, tensor, writeSafetensors, zeros } from 'onnsight'
import { SparseAutoencoder } from 'onnsight/study'
import { near } from '../near.ts'
import { off, reference, vocabulary } from './reference.ts'

const model = await load('test/fixtures/models/chars.onnx')
test.after.always(() => model.release())
const { line } = reference.prompts

const range = (n: number) => Array.from({ length: n }, (_, i) => i)
/** The weights that make_studies.py has. */
const wave = (rows: number, cols: number, a: number, b: number, c: number) =>
  tensor(range(rows).map(i => range(cols).map(j => Math.sin(a * i + b * j + c) / Math.sqrt(rows))))
const row = (n: number, scale: number, a: number, c: number) => range(n).map(i => scale * Math.cos(a * i + c))
const shared = {
  W_enc: wave(128, 96, 1.7, 2.3, 0.1),
  W_dec: wave(96, 128, 0.9, 3.1, 0.7),
  b_dec: tensor(row(128, 0.2, 2.1, 1)),
}
const b_enc = tensor(row(96, 0.1, 1.3, 0))
const weights: Readonly<Record<string, Readonly<Record<string, Tensor>>>> = {
  standard: { ...shared, b_enc },
  topk: { ...shared, b_enc },
  jumprelu: { ...shared, b_enc, threshold: tensor(row(96, 0.3, 0.7, 0).map(Math.abs)) },
  gated: {
    ...shared,
    b_gate: tensor(row(96, 0.1, 1.9, 0)),
    b_mag: tensor(row(96, 0.1, 0.3, 1)),
    r_mag: tensor(row(96, 0.2, 1.1, 2)),
  },
}
test('a folder without cfg.json is refused', t =>
  t.throwsAsync(SparseAutoencoder.load('test/fixtures/verse'), {
    code: 'argument',
    message: /cfg\.json[\s\S]*SAELens saved/,
  }))

const config = (architecture: string) => ({
  architecture,
  d_in: 128,
  d_sae: 96,
  ...(architecture === 'topk' ? { k: 7 } : {}),
  apply_b_dec_to_input: true,
  normalize_activations: 'none',
  metadata: { hook_name: 'blocks.1.hook_resid_post' },
})

for (const architecture of ['standard', 'jumprelu', 'topk', 'gated'] as const)
  test(`${architecture}: features, splicing, ablation and steering, as SAELens defines them in PyTorch`, async t => {
    const folder = await mkdtemp(join(tmpdir(), 'onnsight-sae-'))
    await writeFile(join(folder, 'cfg.json'), JSON.stringify(config(architecture)))
    await writeSafetensors(join(folder, 'sae_weights.safetensors'), weights[architecture])
    const sae = await SparseAutoencoder.load(folder)
    t.is(sae.layer, 1)
    const due = reference.autoencoders[architecture]
    const found = await sae.features(model, [line], { vocabulary })
    t.true(off((found.activations.tolist() as number[][][])[0].at(-1), due.features) < 2e-5)
    t.deepEqual(found.active, due.count)
    t.true(off((found.error.tolist() as number[][])[0], due.error) < 2e-5)
    const last = async (edited: typeof model) => {
      const { logits } = await edited.run([line])
      return (logits.tolist() as number[][][])[0].at(-1)!.slice(0, 6)
    }
    t.true(off(await last(sae.splice(model)), due.spliced) < 5e-5)
    t.true(off(await last(sae.ablate(model, 5)), due.ablated) < 5e-5)
    t.true(off(await last((await sae.steering(5)).apply(model, 3)), due.steered) < 5e-5)
    t.true(off(await last(model), due.spliced) > 1e-2)
    t.is(found.top[0].activation, Math.max(...(found.activations.tolist() as number[][][])[0].flat()))
    t.is([...(await found.plot()).svg.matchAll(/<title>feature /g)].length, 10 * line.length)
    t.regex(String(found), /features are active at a token/)
  })

const hookOf = (place: string): string => {
  const [kind, block] = place.split('.')
  return `blocks.${block}.${kind === 'z' ? 'attn.' : ''}hook_${kind}`
}

for (const { how, topk, place, ...due } of reference.normalised_autoencoders)
  test(`${topk ? 'topk' : 'standard'} at ${place}, normalised by ${how}: as SAELens defines it in PyTorch`, async t => {
    const change = {
      normalize_activations: how,
      ...(topk ? { rescale_acts_by_decoder_norm: true } : {}),
      ...(place.startsWith('z.') ? { reshape_activations: 'hook_z' } : {}),
      metadata: { hook_name: hookOf(place) },
    }
    const architecture = topk ? 'topk' : 'standard'
    const sae = await SparseAutoencoder.load(
      { config: { ...config(architecture), ...change }, weights: weights[architecture] },
      how === 'expected_average_only_in' ? { normScalingFactor: 1.7 } : {},
    )
    const found = await sae.features(model, [line], { vocabulary })
    t.true(off((found.activations.tolist() as number[][][])[0].at(-1), due.features) < 2e-5)
    t.deepEqual(found.active, due.count)
    t.true(off((found.error.tolist() as number[][])[0], due.error) < 2e-5)
    const last = async (edited: typeof model) => {
      const { logits } = await edited.run([line])
      return (logits.tolist() as number[][][])[0].at(-1)!.slice(0, 6)
    }
    t.true(off(await last(sae.splice(model)), due.spliced) < 5e-5)
    t.true(off(await last(sae.ablate(model, 5)), due.ablated) < 5e-5)
    t.true(off(await last(model), due.spliced) > 1e-3)
    // encode() and decode() also work outside of a block. decode() needs only the features if all inputs are scaled alike.
    const state = tensor([range(128).map(i => 0.3 + Math.sin(i))])
    const features = await sae.encode(state).value()
    const back = await sae.decode(features, state).value()
    t.deepEqual(back.dims, [1, 128])
    if (how === 'layer_norm' || how === 'constant_norm_rescale')
      t.throws(() => sae.decode(features), { code: 'argument', message: /sae\.decode\(features, state\)/ })
    else t.deepEqual((await sae.decode(features).value()).tolist(), back.tolist())
    const isSteering = !/^(z|resid_pre)/.test(place)
    if (isSteering) t.is((await sae.steering(5)).layer, sae.layer)
    else await t.throwsAsync(sae.steering(5), { code: 'argument', message: /no directions in the stream/ })
  })

test('an autoencoder of heads on a model with fewer heads of keys, and on its quantised build', async t => {
  for (const dtype of ['fp32', 'q4'] as const) {
    const verse = await LanguageModel.load('test/fixtures/models/verse', { dtype })
    const width = (await verse.trace('To be', m => m.model.layers[1].heads.z.flatten(2))).dims.at(-1)!
    const sae = await SparseAutoencoder.load({
      config: { ...config('standard'), d_in: width, d_sae: width, metadata: { hook_name: 'blocks.1.attn.hook_z' } },
      weights: {
        // This autoencoder returns its input. 100 is added before the ReLU, so that it cuts nothing off.
        W_enc: eye(width),
        b_enc: zeros([width]),
        W_dec: eye(width),
        b_dec: tensor(Float32Array.from({ length: width }, () => -100)),
      },
    })
    const plain = await verse.run('To be')
    const spliced = await sae.splice(verse).run('To be')
    t.true(near(plain.logits, spliced.logits, 2e-3), dtype)
    const without = await sae.ablate(verse, 3).run('To be')
    t.false(near(plain.logits, without.logits, 1e-3), dtype)
    await verse.release()
  }
})

test('activations in units of the features’ lengths, and no subtracted bias', async t => {
  const options = { ...config('topk'), rescale_acts_by_decoder_norm: true, apply_b_dec_to_input: false, k: 96 }
  const sae = await SparseAutoencoder.load({ config: options, weights: weights.topk })
  const state = tensor([range(128).map(i => Math.sin(i))])
  const features = await sae.encode(state).value()
  const norms = (shared.W_dec.tolist() as number[][]).map(one => Math.hypot(...one))
  const plain = await state.matmul(shared.W_enc).add(b_enc).relu().value()
  t.true(
    off(
      (features.tolist() as number[][])[0],
      (plain.tolist() as number[][])[0].map((x, i) => x * norms[i]),
    ) < 1e-5,
  )
  const back = await sae.decode(features).value()
  const due = await plain.matmul(shared.W_dec).add(shared.b_dec).value()
  t.true(off(back.tolist(), due.tolist() as number[][]) < 1e-5)
})

test('old configurations: a TopK by its activation function, the stream before a layer', async t => {
  const { metadata: _, architecture: __, k: ___, ...rest } = config('topk') as Record<string, unknown>
  const old = {
    ...rest,
    activation_fn_str: 'topk',
    activation_fn_kwargs: { k: 7 },
    hook_name: 'blocks.2.hook_resid_pre',
  }
  const sae = await SparseAutoencoder.load({ config: old, weights: weights.topk })
  t.is(sae.layer, 1)
  t.is(sae.config.architecture, 'topk')
  t.is(sae.config.k, 7)
})

test('what can’t be used is refused, with the reason', async t => {
  const refused = async (change: object, message: RegExp, tensors = weights.standard) =>
    t.throwsAsync(SparseAutoencoder.load({ config: { ...config('standard'), ...change }, weights: tensors }), {
      code: 'argument',
      message,
    })
  await refused({ architecture: 'transcoder' }, /architecture is "transcoder"/)
  await refused({ normalize_activations: 'batch_norm' }, /normalize_activations is "batch_norm"/)
  await refused(
    { normalize_activations: 'expected_average_only_in' },
    /multiplied by a number[\s\S]*norm_scaling_factor/,
  )
  await refused({ reshape_activations: 'hook_q' }, /reshape_activations is "hook_q"/)
  await refused({ reshape_activations: 'hook_z' }, /"hook_z" at blocks\.1\.hook_resid_post/)
  await refused({ hook_head_index: 2 }, /for head 2 alone/)
  await refused({ d_sae: 95 }, /W_enc of dims \[128, 96\]/)
  await refused({ metadata: { hook_name: 'blocks.1.attn.hook_q' } }, /for blocks\.1\.attn\.hook_q/)
  await refused({ architecture: 'jumprelu' }, /no threshold/)
  const one = { config: config('standard'), weights: weights.standard }
  await t.throwsAsync(SparseAutoencoder.load(one, { normScalingFactor: 2 }), {
    code: 'argument',
    message: /and this is "none"/,
  })
  const scaled = { ...one, config: { ...one.config, normalize_activations: 'expected_average_only_in' } }
  await t.throwsAsync(SparseAutoencoder.load(scaled, { normScalingFactor: -1 }), { code: 'argument', message: /is -1/ })
  const sae = await SparseAutoencoder.load(one, { layer: 9 })
  await t.throwsAsync(sae.features(model, [line]), { code: 'study', message: /no layer 9/ })
  t.throws(() => sae.ablate(model, 96), { code: 'argument', message: /no feature 96/ })
})
