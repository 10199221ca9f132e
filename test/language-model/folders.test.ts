import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { LanguageModel, load, WorkerBackend } from 'onnsight'
import { near } from '../near.ts'

const verse = 'test/fixtures/models/verse'

/** Makes a folder with copies of these files. */
function folderOf(files: Readonly<Record<string, string | { readonly text: string }>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'onnsight-folder-'))
  for (const [path, source] of Object.entries(files)) {
    const target = join(folder, path)
    mkdirSync(dirname(target), { recursive: true })
    if (typeof source === 'string') cpSync(source, target)
    else writeFileSync(target, source.text)
  }
  return folder
}

const q4 = `${verse}/onnx/model_q4.onnx`
const texts = Object.fromEntries(
  ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json'].map(name => [
    name,
    `${verse}/${name}`,
  ]),
)

test('each layout of transformers.js and optimum is found', async t => {
  const cases: readonly (readonly [file: string, dtype?: 'q4' | 'q4f16' | 'q8' | 'fp16'])[] = [
    ['onnx/model.onnx'],
    ['model.onnx'],
    ['onnx/decoder_model_merged.onnx'],
    ['onnx/decoder_model_merged_q4.onnx', 'q4'],
    ['onnx/model_q4f16.onnx', 'q4f16'],
    ['decoder_model_quantized.onnx', 'q8'],
    ['onnx/model_quantized.onnx'],
    ['mine.onnx'],
  ]
  for (const [file, dtype] of cases) {
    const model = await LanguageModel.load(folderOf({ ...texts, [file]: q4 }), dtype ? { dtype } : {})
    t.true(model.name.endsWith(file), file)
    t.is(model.generationConfig.eos_token_id, 0)
    t.is(model.config.vocab_size, 1024)
    await model.release()
  }
})

test('the dtype is fp32, unless there is one alone; another is named', async t => {
  const model = await LanguageModel.load(pathToFileURL(`${verse}/`))
  t.true(model.name.endsWith('onnx/model.onnx'))
  await model.release()
  const fp16 = await LanguageModel.load(verse, { dtype: 'fp16', device: 'cpu' })
  t.true(fp16.name.endsWith('model_fp16.onnx'))
  await fp16.release()
  const byPath = await LanguageModel.load(verse, { file: 'onnx/model_int8.onnx' })
  t.true(byPath.name.endsWith('model_int8.onnx'))
  await byPath.release()
})

const refused: Record<string, [files: Parameters<typeof folderOf>[0], options: object, code: string, message: RegExp]> =
  {
    'no graph': [
      { ...texts, 'model.safetensors': `${verse}/config.json` },
      {},
      'language-model',
      /no graph[\s\S]*PyTorch[\s\S]*optimum-cli/,
    ],
    'two candidates in two folders': [
      { ...texts, 'model.onnx': q4, 'onnx/model.onnx': q4 },
      {},
      'language-model',
      /several graphs[\s\S]*file: /,
    ],
    'two candidates with names of their own': [
      { ...texts, 'a.onnx': q4, 'b.onnx': q4 },
      {},
      'language-model',
      /a\.onnx, b\.onnx/,
    ],
    'two builds, and none of them is plain': [
      { ...texts, 'onnx/model_q4.onnx': q4, 'onnx/model_int8.onnx': q4 },
      {},
      'language-model',
      /several graphs/,
    ],
    'a dtype that is not there': [
      { ...texts, 'onnx/model_q4.onnx': q4 },
      { dtype: 'fp16' },
      'language-model',
      /no model of dtype fp16[\s\S]*'q4'/,
    ],
    'an unknown dtype': [{ ...texts, 'onnx/model_q4.onnx': q4 }, { dtype: 'int3' }, 'load-option', /fp32/],
    'a file that is not there': [
      { ...texts, 'onnx/model_q4.onnx': q4 },
      { file: 'x.onnx' },
      'language-model',
      /onnx\/model_q4\.onnx/,
    ],
    'no tokenizer': [{ 'model.onnx': q4 }, {}, 'language-model', /no tokenizer\.json[\s\S]*save_pretrained/],
    'a tokenizer that is no JSON': [
      { 'model.onnx': q4, 'tokenizer.json': { text: 'version https://git-lfs' } },
      {},
      'language-model',
      /no JSON/,
    ],
    'a tokenizer that is none': [
      { 'model.onnx': q4, 'tokenizer.json': { text: '{"a": 1}' } },
      {},
      'language-model',
      /can’t be used/,
    ],
    'a chat template that is none': [
      { ...texts, 'model.onnx': q4, 'chat_template.jinja': { text: '{% for' } },
      {},
      'language-model',
      /chat template/,
    ],
    'an unknown option': [{ ...texts, 'model.onnx': q4 }, { dtyp: 'q4' }, 'unknown-option', /dtype/],
  }
for (const [what, [files, options, code, message]] of Object.entries(refused)) {
  test(`refused, with what to do: ${what}`, async t => {
    const folder = folderOf(files)
    const error = await t.throwsAsync(LanguageModel.load(folder, options), { code, message })
    t.regex(error!.message, /Do this: \S/)
    rmSync(folder, { recursive: true })
  })
}

test('refused: what is neither a path nor a name of the hub', async t => {
  for (const path of ['./nowhere', '/no/where/at/all', 'model.onnx'])
    await t.throwsAsync(LanguageModel.load(path), {
      code: 'language-model',
      message: /no file or folder[\s\S]*OWNER\/NAME/,
    })
})

test('refused: a tokenizer for another vocabulary', async t => {
  const chars = 'test/fixtures/models/chars.onnx'
  const folder = folderOf({ ...texts, 'model.onnx': chars })
  await t.throwsAsync(LanguageModel.load(folder), { code: 'language-model', message: /1024[\s\S]*65/ })
})

test.serial('a tokenizer for a much smaller vocabulary is loaded, with a warning', async t => {
  const folder = folderOf({
    'tokenizer.json': 'test/fixtures/models/chars.vocab.json',
    'model.onnx': `${verse}/onnx/model.onnx`,
  })
  const heard: Error[] = []
  const hear = (warning: Error): unknown => heard.push(warning)
  process.on('warning', hear)
  const own = await LanguageModel.load(verse)
  const model = await LanguageModel.load(folder)
  // Node tells of a warning a tick later.
  await new Promise(setImmediate)
  process.off('warning', hear)
  const told = heard.filter(warning => (warning as { code?: string }).code === 'small-tokenizer')
  t.is(told.length, 1)
  t.regex(told[0].message, /1024 tokens.*another model/)
  for (const one of [own, model]) await one.release()
})

test('a prompt beyond the context and an empty one are refused, and never cut', async t => {
  const model = await LanguageModel.load(verse)
  const long = 'What light is that? '.repeat(60)
  await t.throwsAsync(model.run(long), { code: 'prompt', message: /has only 256[\s\S]*slice\(-256\)/ })
  await t.throwsAsync(model.run(''), { code: 'prompt', message: /empty/ })
  await t.throwsAsync(model.run(['What', '']), { code: 'prompt' })
  await model.release()
})

for (const [what, prompts, due] of [
  ['an empty list', [], /list of prompts is empty/],
  ['what is no prompt beside a text', ['What', null], /Prompt 1 of the list/],
  ['ids beside a text', [[5, 6], 'What'], /Prompt 0 of the list/],
  ['a message without content', [{ role: 'user', content: 'What' }, { role: 'user' }], /Message 1 of a chat/],
] as const)
  test(`refused, with what a prompt is: ${what}`, async t => {
    const model = await LanguageModel.load(verse)
    for (const given of [prompts, { input_ids: prompts }])
      for (const call of [() => model.run(given as never), () => model.generate(given as never)])
        await t.throwsAsync(call, { code: 'prompt', message: new RegExp(`${due.source}[\\s\\S]*give a text, a chat`) })
    await model.release()
  })

test.serial('a generation that goes on beyond the context is whole, and warned of once', async t => {
  const heard: Error[] = []
  const hear = (warning: Error): unknown => heard.push(warning)
  process.on('warning', hear)
  const model = await LanguageModel.load(verse)
  const prompt = [new Array<number>(250).fill(374)]
  // The last token is chosen, but no step runs on it.
  const within = await model.generate(prompt, { maxNewTokens: 7, eosTokenId: [] })
  await new Promise(setImmediate)
  t.is(heard.length, 0)
  const beyond = await model.generate(prompt, { maxNewTokens: 12, eosTokenId: [] })
  await new Promise(setImmediate)
  process.off('warning', hear)
  t.deepEqual(
    [within.ids.dims, beyond.ids.dims],
    [
      [1, 257],
      [1, 262],
    ],
  )
  t.is(heard.length, 1)
  t.is((heard[0] as { code?: string }).code, 'beyond-context')
  t.regex(heard[0].message, /context of 256 tokens[\s\S]*maxNewTokens: 7 /)
  await model.release()
})

test('messages need a chat template', async t => {
  const model = await LanguageModel.load('test/fixtures/models/chars.onnx')
  await t.throwsAsync(model.run([{ role: 'user', content: 'Good morrow' }]), {
    code: 'prompt',
    message: /no chat template/,
  })
  await model.release()
})

test('a template in a file of its own comes first', async t => {
  const template = {
    text: '{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ eos_token }}{% endfor %}',
  }
  const model = await LanguageModel.load(folderOf({ ...texts, 'model.onnx': q4, 'chat_template.jinja': template }))
  t.is(model.chatText([{ role: 'user', content: 'Hey' }]), '[user] Hey<|endoftext|>')
  await model.release()
})

test('save, worker, session and cache are those of every model', async t => {
  const model = await LanguageModel.load(verse)
  const text = 'ROMEO:\nWhat light'
  const { logits } = await model.run(text)
  const backend = new WorkerBackend()
  t.true(near((await model.run(text, { backend })).logits, logits, 1e-6))
  backend.release()
  const again = await model.session(async m => m.trace(text, inner => inner.lm_head.output))
  t.true(near(again, logits, 1e-6))
  const folder = folderOf(texts)
  await model
    .edit(m => {
      m.model.layers[1].mlp.output = 0
    })
    .save(join(folder, 'model.onnx'))
  const saved = await LanguageModel.load(folder)
  const plain = await load(join(folder, 'model.onnx'))
  const changed = await saved.run(text)
  t.false(near(changed.logits, logits, 1e-2))
  t.true(near(changed.logits, (await plain.run([model.tokens(text).ids as number[]])).logits, 1e-6))
  for (const each of [model, saved, plain]) await each.release()
})
