import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'

const run = promisify(execFile)
const onnsight = (...args: string[]) => run(process.execPath, ['dist/cli/onnsight.js', ...args])
// Inside the project, so that TypeScript finds 'onnsight'.
const folder = mkdtempSync('test/cli/.types-')
test.after.always(() => rmSync(folder, { recursive: true }))

/** Compiles a program and returns the compiler's errors, one a line. */
async function compile(name: string, program: string, more = ''): Promise<string[]> {
  const file = join(folder, `${name}.ts`)
  writeFileSync(file, program)
  const options =
    `--noEmit --pretty false --ignoreConfig --strict --module nodenext --target es2022 --types node --skipLibCheck ${more}`
      .trim()
      .split(' ')
  try {
    await run('node_modules/.bin/tsc', [...options, file])
    return []
  } catch (error) {
    return (error as { stdout: string }).stdout.trim().split('\n')
  }
}

const head = `import { load, type Tensor } from 'onnsight'
import { cache, edit, save, skip, trace } from 'onnsight/trace.macro'
import type { Chars, CharsInputs } from './chars.js'
const model = await load<Chars>('chars.onnx')
const inputs: CharsInputs = { input_ids: [[1, 2]] }
`

/** A model with a module `model` and optional inputs. */
const llama = 'test/fixtures/exported/llama/genai-int4/model.onnx'

test.before(async () => {
  await onnsight('types', 'test/fixtures/models/chars.onnx', '--out', join(folder, 'chars.d.ts'))
  await onnsight('types', llama, '--out', join(folder, 'model.d.ts'))
})

test('the generated file compiles, also if a module has the name of the type, and the types of two models work in one program', async t => {
  const errors = await compile(
    'two',
    `import { load } from 'onnsight'
import { edit, generate, invoke, scan, trace } from 'onnsight/trace.macro'
import type { Chars, CharsInputs } from './chars.js'
import type { Model, ModelInputs } from './model.js'
const chars = await load<Chars>('chars.onnx')
const model = await load<Model>('model.onnx')
const ids: CharsInputs = { input_ids: [[1, 2]] }
const inputs: ModelInputs = { input_ids: [[1, 2]], attention_mask: [[1, 1]] }
const read = model.model.layers[0].output
await trace(model, inputs, m => m.model.layers[1].output.add(read))
await trace(chars, ids, m => m.lm_head.output)
await trace(model, () => {
  invoke(inputs, () => model.lm_head.output)
})
await scan(model, inputs)
await generate(model, inputs, { maxNewTokens: 3 }, m => m.lm_head.output)
await edit(model, m => {
  m.model.layers[0].output = 0
}).run(inputs)
await model.run(inputs)
await model.trace(inputs, m => m.model.layers[0].output)
await model.scan(inputs)
await model.generate(inputs, { maxNewTokens: 3 })
await model.record(inputs, m => m.lm_head.output)
`,
    '--exactOptionalPropertyTypes --skipLibCheck false',
  )
  t.deepEqual(errors, [])
})

test('--name must be an identifier', async t => {
  for (const name of ['a-b', '1x', 'x y', '']) {
    const { code, stderr } = await onnsight('types', llama, '--name', name).catch(error => error)
    t.is(code, 2, name)
    t.regex(stderr, /--name <type>.*Pass a valid name of a TypeScript type/)
  }
})

test('correct programs compile with the types of a model', async t => {
  const errors = await compile(
    'right',
    `${head}
const logits: Tensor = await trace(model, inputs, m => {
  m.transformer.h[2].mlp.output = 0
  model.transformer.h[0].attn.ops.Softmax[0].output.sum()
  for (const layer of m.transformer.h) save(layer.ln_1.input)
  skip(m.transformer.h.at(-1).mlp.act)
  cache({ modules: [m.transformer.h[0], 'lm_head'] })
  const w: Tensor = m.transformer.wte.weights.weight
  const pattern: Tensor = m.transformer.h[1].attn.heads[2].pattern
  m.transformer.h[1].attn.heads[0].z = 0
  m.transformer.h[1].heads.result.sum(pattern.rank - 1)
  return m.lm_head(m.transformer.ln_f(w))
})
const edited = edit(model, m => {
  m.transformer.h[1].attn.c_proj.input = 0
})
edited.transformer.h[1].mlp.c_fc.path
logits.dims`,
  )
  t.deepEqual(errors, [])
})

for (const [name, line, message] of [
  ['path', 'model.transformer.h[0].mpl', /Property 'mpl' does not exist.*|did you mean 'mlp'/],
  ['root', 'model.transfomer', /Property 'transfomer' does not exist/],
  ['block', 'await trace(model, [[1]], m => m.lm_haed.output)', /Property 'lm_haed' does not exist/],
  ['weight', 'model.lm_head.weights.bais', /Property 'bais' does not exist/],
  ['operation', 'model.transformer.h[0].attn.ops.Softmx', /Property 'Softmx' does not exist/],
  ['part of a head', 'model.transformer.h[0].attn.heads[0].patern', /Property 'patern' does not exist/],
  ['module without an attention', 'model.transformer.h[0].mlp.heads', /Property 'heads' does not exist/],
  ['module of several attentions', 'model.transformer.heads', /Property 'heads' does not exist/],
  ['value', "model.transformer.h[0].output = 'zero'", /not assignable/],
  ['input', 'const wrong: CharsInputs = { input_id: [[1]] }', /input_id/],
  ['input left out', 'const none: CharsInputs = {}', /input_ids/],
  ['value of an input', 'const none: CharsInputs = { input_ids: undefined }', /undefined/],
] as const) {
  test(`a wrong ${name} does not compile: ${line}`, async t => {
    const errors = await compile(`wrong-${name}`, `${head}${line}\n`)
    t.is(errors.length, 1, errors.join('\n'))
    t.regex(errors[0], message)
    t.regex(errors[0], /\(6,\d+\)/)
  })
}

test('modules with the same structure share a type, so the file is small', t => {
  const text = readFileSync(join(folder, 'chars.d.ts'), 'utf8')
  t.is(text.match(/TypedLayers</g)?.length, 1)
  t.true(text.length < 6000)
})

for (const file of ['names/bert', 'names/resnet', 'models/chars-scopes', 'models/chars-cache', 'batch/rotary']) {
  test(`the types of ${file} compile`, async t => {
    const name = file.replace('/', '-')
    await onnsight('types', `test/fixtures/${file}.onnx`, '--out', join(folder, `${name}.d.ts`), '--name', 'M')
    t.deepEqual(
      await compile(
        `use-${name}`,
        `import { load } from 'onnsight'\nimport type { M } from './${name}.js'\n(await load<M>('m.onnx')).run({})\n`,
      ),
      [],
    )
  })
}

test('inspect prints the tree, the inputs and the blocks, as text and as JSON', async t => {
  const { stdout } = await onnsight('inspect', 'test/fixtures/models/chars.onnx')
  t.regex(stdout, /inputs\n {2}input_ids: int64 \[batch, sequence\]/)
  t.regex(stdout, /modules\nmodel[\s\S]*0 … 3 \(4 alike\)[\s\S]*blocks, with their nodes\n/)
  const { stdout: json } = await onnsight('inspect', 'test/fixtures/models/chars.onnx', '--json')
  const read = JSON.parse(json) as { modules: { path: string; weights: { name: string }[] }[]; blocks: unknown[] }
  const { weights } = read.modules.find(({ path }) => path === 'transformer.wte')!
  t.deepEqual(weights, [{ name: 'weight', type: 'float32', dims: [65, 128] }])
  t.true(read.blocks.length > 4)
})
