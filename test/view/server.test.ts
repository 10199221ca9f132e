import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'ava'
import { load, type Model, type Tensor, tensor, writeSafetensors } from 'onnsight'
import { npyParts } from '#dist/runtime/tensor-files/npy.js'
import { inputsOf } from '#dist/view/model/inputs.js'
import { mapOf } from '#dist/view/readings/map.js'
import { onnsight } from '../cli/spawn.ts'
import { get, type Viewing, view } from './viewing.ts'

const chars = 'test/fixtures/models/chars.onnx'
const vocab = 'examples/models/chars.vocab.json'
const ids = [18, 47, 56, 57]
const inputs = { input_ids: { json: [ids] } }
const folder = mkdtempSync(join(tmpdir(), 'onnsight-view-test-'))
let viewing!: Viewing
let images!: Viewing
let model!: Model

test.before(async () => {
  ;[viewing, images, model] = await Promise.all([
    view([chars, '--vocab', vocab]),
    view(['test/fixtures/names/resnet.onnx']),
    load(chars),
  ])
})
test.after.always(async () => {
  await Promise.all([viewing?.end(), images?.end(), model?.release()])
  rmSync(folder, { recursive: true })
})

interface ErrorBody {
  readonly code: string
  readonly message: string
  readonly fix: string
  readonly frame?: { readonly text: string; readonly line: number; readonly column: number }
}

test('the server answers only to its own host and with its secret, and to no other site', async t => {
  const { url } = viewing
  const { origin, port, pathname } = new URL(url)
  const page = await get(url)
  t.is(page.status, 200)
  t.regex(page.text, /<script/)
  t.is(page.headers['access-control-allow-origin'], undefined)
  t.regex(String(page.headers['content-security-policy']), /default-src 'none'.*script-src 'self'.*connect-src 'self'/)
  t.is((await get(`${url}api/model`, { host: `localhost:${port}` })).status, 200)
  for (const [address, headers, code] of [
    [url, { host: `evil.example:${port}` }, 'view-host'],
    [`${url}api/model`, { host: 'evil.example' }, 'view-host'],
    [`${url}api/model`, { host: '127.0.0.1' }, 'view-host'],
    [`${url}api/model`, { origin: 'http://evil.example' }, 'view-origin'],
    [`${origin}/`, {}, 'view-token'],
    [`${origin}/api/model`, {}, 'view-token'],
    [`${origin}/${'x'.repeat(pathname.length - 2)}/api/model`, {}, 'view-token'],
  ] as const) {
    const { status, text } = await get(address, headers)
    t.is(status, 403, address)
    t.is((JSON.parse(text) as ErrorBody).code, code, address)
    t.false(text.includes(pathname))
  }
})

test('the server listens only on 127.0.0.1, and serves no file but the page’s', async t => {
  const { port } = new URL(viewing.url)
  await t.throwsAsync(
    get(viewing.url.replace('127.0.0.1', '127.0.0.2')),
    undefined,
    `something answers at port ${port}`,
  )
  for (const path of ['../view.js', '..%2fviewer.js', '%2e%2e/viewer.js', 'nothing.js'])
    t.is((await get(viewing.url + path)).status === 200, false, path)
})

test('a wrong request is refused with a message and a fix', async t => {
  for (const [name, body, status, message] of [
    ['module', '{', 400, /not valid JSON/],
    ['module', [], 400, /no object/],
    ['module', { inputs }, 400, /path/],
    ['module', { inputs, path: 'transformer', value: 99 }, 400, /no value 99/],
    ['module', { inputs, path: 'transformer.h.9' }, 422, /no module 9|transformer\.h/],
    ['module', { inputs: { input_ids: {} }, path: '' }, 400, /input_ids/],
    ['module', { inputs: { ids: { json: [ids] } }, path: '' }, 400, /no input ids/],
    ['module', { inputs: {}, path: '' }, 422, /input_ids/],
    ['module', { inputs: { input_ids: { json: [[1.5]] } }, path: '' }, 422, /1\.5/],
    ['module', { inputs: { input_ids: { generated: 'random' } }, path: '' }, 400, /random/],
    ['row', { inputs, path: 'lm_head', line: { axis: 'row', at: 4 } }, 400, /row 4/],
    ['row', { inputs, path: 'lm_head', line: { axis: 'row', at: 0 }, from: 65 }, 400, /65/],
    ['module', { inputs, path: '', batch: 1 }, 400, /row 1/],
    ['module', { inputs, path: '', isCompared: true }, 400, /compare with/],
    ['heads', { inputs, path: '', batch: 1 }, 400, /row 1/],
    ['lens', { inputs, from: 4 }, 400, /position 4/],
    ['code', { inputs, path: '', tab: 'module', template: 'x = 1\nstop' }, 422, /stop/],
    ['code', { inputs, path: '', tab: 'nothing' }, 400, /tab/],
    ['compare', { inputs }, 400, /template/],
    ['compare', { inputs, template: 'lm_head.output = 0', position: 4 }, 400, /position 4/],
    ['tokens', { text: 'naïve' }, 422, /ï/],
    ['tokens', {}, 400, /neither/],
    ['nothing', {}, 404, /api\/nothing/],
  ] as const) {
    const answer = await viewing.ask(name, body)
    const { message: text, fix } = answer.body as unknown as ErrorBody
    t.is(answer.status, status, `${name} ${JSON.stringify(body)}: ${text}`)
    t.regex(text, message)
    t.truthy(fix, text)
  }
  t.is((await get(`${viewing.url}api/module`)).status, 405)
  const plain = await fetch(`${viewing.url}api/tokens`, { method: 'POST', body: '{"text":"a"}' })
  t.is(plain.status, 415)
})

test('an error in a template comes with its frame, line and column', async t => {
  const template = 'a = 1\ntransformer.h[1] mlp = 0'
  for (const name of ['run', 'compare', 'module']) {
    const { status, body } = await viewing.ask(name, { inputs, template, path: '' })
    const { code, message, fix, frame } = body as unknown as ErrorBody
    t.is(status, 422)
    t.is(code, 'template-syntax')
    t.false(message.includes('\n'), message)
    t.truthy(fix)
    t.deepEqual([frame?.line, frame?.column], [2, 18])
    const caret = frame!.text.split('\n').at(-1)!.indexOf('^') - '> 2 | '.length
    t.is(template.split('\n')[1].slice(caret), 'mlp = 0')
  }
})

test('run returns the outputs, or what a template saves and prints, like a trace', async t => {
  const expected = await model.trace({ input_ids: [ids] }, m => m.lm_head.output)
  const outputs = await viewing.ask('run', { inputs })
  const { logits } = outputs.body.results as Record<string, { dims: number[]; data: number[][][] }>
  t.deepEqual(logits.dims, [1, 4, 65])
  t.deepEqual(logits.data, expected.tolist())
  const template = 'transformer.h[1].mlp.output = 0\nsave h = transformer.h[2].output[0, -1]\nprint("norm")'
  const { body } = await viewing.ask('run', { inputs, template })
  const edited = await model.trace({ input_ids: [ids] }, m => {
    m.transformer.h[1].mlp.output = 0 as never
    return m.transformer.h[2].output.slice('0, -1')
  })
  t.deepEqual((body.results as Record<string, { data: unknown }>).h.data, edited.tolist())
  t.deepEqual(body.printed, ['norm'])
})

test('NaN and infinities are sent and counted, and the statistics are those of the finite values', async t => {
  const template =
    'transformer.h[1].output[0, 0, 0] = 0 / zeros([1])[0]\ntransformer.h[1].output[0, 0, 1] = 1 / zeros([1])[0]'
  const { body } = await viewing.ask('module', { inputs, template, path: 'transformer.h.1' })
  const plain = await model.trace({ input_ids: [ids] }, m => m.transformer.h[1].output)
  const rest = Array.from(plain.data as Float32Array).slice(2)
  const { statistics, map } = body as { statistics: Record<string, number>; map: { cells: unknown[][] } }
  t.deepEqual(map.cells[0].slice(0, 2), ['NaN', 'Infinity'])
  t.deepEqual([statistics.nan, statistics.infinite, statistics.count], [1, 1, 512])
  const mean = rest.reduce((sum, value) => sum + value, 0) / rest.length
  const std = Math.sqrt(rest.reduce((sum, value) => sum + (value - mean) ** 2, 0) / rest.length)
  t.is(statistics.min, Math.min(...rest))
  t.is(statistics.max, Math.max(...rest))
  t.true(Math.abs(statistics.mean - mean) < 1e-6 && Math.abs(statistics.std - std) < 1e-6)
})

test('a cell of a map that is too large to show has the largest magnitude among those it joins, with its sign', async t => {
  for (const [rows, columns] of [
    [300, 1300],
    [256, 513],
    [257, 512],
    [3, 5],
  ]) {
    const at = (row: number, column: number) => Math.fround(Math.sin(row * 12.9898 + column * 78.233) * 3)
    const values = Float32Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns))
    const { factors, cells } = mapOf(tensor(values, { dims: [rows, columns] }) as never)
    const shown = (await cells.value()).tolist() as number[][]
    t.deepEqual(factors, [Math.ceil(rows / 256), Math.ceil(columns / 512)])
    t.deepEqual([shown.length, shown[0].length], [Math.ceil(rows / factors[0]), Math.ceil(columns / factors[1])])
    for (const [r, line] of shown.entries())
      for (const [c, value] of line.entries()) {
        const joined = Array.from({ length: factors[0] * factors[1] }, (_, i) => [
          r * factors[0] + Math.floor(i / factors[1]),
          c * factors[1] + (i % factors[1]),
        ])
          .filter(([row, column]) => row < rows && column < columns)
          .map(([row, column]) => at(row, column))
        const largest = joined.reduce((best, one) => (Math.abs(one) > Math.abs(best) ? one : best))
        if (value !== largest) t.fail(`${rows} × ${columns}, cell ${r}, ${c}: ${value}, not ${largest}`)
      }
  }
  t.pass()
})

const image = tensor(
  Array.from({ length: 108 }, (_, i) => Math.sin(i)),
  { dims: [1, 3, 6, 6] },
)

test('an input comes from JSON or a file, or is generated', async t => {
  const resnet = await load('test/fixtures/names/resnet.onnx')
  const expected = (await resnet.run({ image })).result.tolist()
  const npy = Buffer.concat(npyParts('image.npy', image as never)).toString('base64')
  const path = join(folder, 'image.safetensors')
  await writeSafetensors(path, { image })
  const { readFileSync } = await import('node:fs')
  const safetensors = readFileSync(path).toString('base64')
  for (const value of [
    { json: image.tolist() },
    { file: { name: 'image.npy', base64: npy } },
    { file: { name: 'image.safetensors', base64: safetensors } },
    { file: { name: 'image.json', base64: Buffer.from(JSON.stringify(image.tolist())).toString('base64') } },
  ]) {
    const { status, body } = await images.ask('run', { inputs: { image: value } })
    t.is(status, 200, JSON.stringify(body).slice(0, 300))
    t.deepEqual((body.results as Record<string, { data: unknown }>).result.data, expected)
  }
  const zeros = await images.ask('run', { inputs: { image: { generated: 'zeros' } } })
  const blank = await resnet.run({ image: tensor(new Float32Array(108), { dims: [1, 3, 6, 6] }) })
  t.deepEqual((zeros.body.results as Record<string, { data: unknown }>).result.data, blank.result.tolist())
  const wrong = await images.ask('run', { inputs: { image: { file: { name: 'cat.png', base64: '' } } } })
  t.is(wrong.status, 400)
  const broken = await images.ask('run', {
    inputs: { image: { file: { name: 'image.npy', base64: npy.slice(0, 80) } } },
  })
  t.is(broken.status, 422)
  t.regex(String(broken.body.message), /image\.npy/)
  t.notRegex(String(broken.body.message), /onnsight-view-/)
  await resnet.release()
})

test('an input too large to generate is refused before it is made, and the server answers on', async t => {
  const detector = await view(['test/fixtures/exported/yolo/classic+qoperator/model.onnx'])
  t.teardown(() => detector.end())
  for (const generated of ['random', 'zeros'])
    for (const dims of [
      { height: 16_000, width: 16_000 },
      { height: 1e9, width: 1e9 },
    ]) {
      const { status, body } = await detector.ask('check', { inputs: { images: { generated } }, dims })
      t.is(status, 422, JSON.stringify(body))
      t.regex(String(body.message), /images with the dims \[1, 3, \d+, \d+\] would take .*B/)
      t.truthy(body.fix)
    }
  const fitting = await detector.ask('check', {
    inputs: { images: { generated: 'random' } },
    dims: { height: 64, width: 64 },
  })
  t.is(fitting.status, 200, JSON.stringify(fitting.body))
})

test('the mask, the positions and an empty cache follow from the ids', async t => {
  const path = 'test/fixtures/models/chars-cache.onnx'
  const own = await view([path])
  t.teardown(() => own.end('SIGKILL'))
  const cached = await load(path)
  t.teardown(() => cached.release())
  const past = cached.signature.inputs.filter(({ name }) => name.startsWith('past_'))
  t.true(past.length > 0)
  const expected = await cached.run({
    input_ids: [ids],
    attention_mask: [[1, 1, 1, 1]],
    position_ids: [[0, 1, 2, 3]],
    ...Object.fromEntries(past.map(({ name }) => [name, tensor(new Float32Array(0), { dims: [1, 4, 0, 32] })])),
  })
  const { status, body } = await own.ask('run', { inputs })
  t.is(status, 200, JSON.stringify(body).slice(0, 300))
  const results = body.results as Record<string, { data: unknown }>
  t.deepEqual(results.logits.data, expected.logits.tolist())
})

test('an empty cache of an encoder’s values leaves their length open', async t => {
  const input = (name: string, type: string, dims: (number | string)[]) => ({ name, type, dims })
  const signature = {
    inputs: [
      input('input_ids', 'int64', ['batch', 'length']),
      input('encoder_hidden_states', 'float32', ['batch', 'encoded', 4]),
      input('past_key_values.0.encoder.key', 'float32', ['batch', 2, 'encoded', 2]),
      input('past_key_values.0.encoder.value', 'float32', ['batch', 2, 'encoded', 2]),
    ],
  }
  const request = {
    inputs: { input_ids: { json: [[1, 2, 3]] }, encoder_hidden_states: { generated: 'random' as const } },
    dims: { batch: 1, encoded: 5 },
  }
  const made = (await inputsOf({ signature } as never, request, 'input_ids', undefined)) as Record<string, Tensor>
  t.deepEqual(made.encoder_hidden_states.dims, [1, 5, 4])
  t.deepEqual(made['past_key_values.0.encoder.key']?.dims, [1, 2, 0, 2])
})

test('positions of a long lens and values of a long row are sent in parts, which equal those of a trace', async t => {
  const long = Array.from({ length: 60 }, (_, i) => (7 * i) % 65)
  const request = { inputs: { input_ids: { json: [long] } } }
  const lens = await viewing.ask('lens', { ...request, from: 48 })
  const { positions, own } = lens.body as { positions: number; own: { id: number; probability: number }[][] }
  t.deepEqual([positions, own.length], [60, 12])
  const [shares, hidden] = await model.trace({ input_ids: [long] }, m => [
    m.lm_head.output.slice('0, 48:').softmax(-1).topk(5),
    m.transformer.h[1].mlp.c_fc.output.slice('0, 50'),
  ])
  t.deepEqual(
    own.map(place => place.map(({ id }) => id)),
    shares.indices.tolist() as number[][],
  )
  const values = Array.from(hidden.data as Float32Array)
  const bySize = values.map((_, i) => i).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]))
  for (const [order, indices] of [
    ['place', values.map((_, i) => i)],
    ['magnitude', bySize],
  ] as const)
    for (const from of [0, 128, 500]) {
      const path = 'transformer.h.1.mlp.c_fc'
      const { body } = await viewing.ask('row', { ...request, path, line: { axis: 'row', at: 50 }, order, from })
      t.is(body.count, 512)
      t.deepEqual(body.indices, indices.slice(from, from + 128))
      t.deepEqual(
        body.values,
        indices.slice(from, from + 128).map(index => values[index]),
      )
      t.is(body.largest, Math.abs(values[bySize[0]]))
    }
})

test('generated inputs are written into the code', async t => {
  const { status, body } = await images.ask('code', {
    inputs: { image: { generated: 'random' } },
    path: 'layer1.0.relu',
    tab: 'module',
  })
  t.is(status, 200, String(body.message))
  const text = String(body.typescript)
  const resnet = await load('test/fixtures/names/resnet.onnx')
  const [, literal] = /image: (\[.*\]),\n/.exec(text) ?? []
  const written = await resnet.run({ image: JSON.parse(literal) as number[] })
  const generated = await images.ask('run', { inputs: { image: { generated: 'random' } } })
  t.deepEqual((generated.body.results as Record<string, { data: unknown }>).result.data, written.result.tolist())
  t.regex(text, /value: model\.layer1\[0\]\.relu\.output,/)
  await resnet.release()
})

test('the program of every tab imports what its inputs need', async t => {
  const json = Buffer.from(
    JSON.stringify(Array.from({ length: 24 }, () => Array.from({ length: 100 }, (_, i) => i % 65))),
  ).toString('base64')
  for (const tab of ['module', 'patch', 'generate'])
    for (const [input, imports] of [
      [{ generated: 'zeros' }, /^import \{ (?:LanguageModel, )?(?:type Inputs, )?zeros \} from 'onnsight'$/m],
      [
        { file: { name: 'ids.json', base64: json } },
        /^import \{ readFile \} from 'node:fs\/promises'\nimport \{ \w+(?:, type Inputs)? \} from/,
      ],
    ] as const) {
      const patch = { corrupted: 'What', part: 'mlp' }
      const request = { inputs: { input_ids: input }, path: '', tab, patch }
      const { status, body } = await viewing.ask('code', request)
      t.is(status, 200, String(body.message))
      t.regex(String(body.typescript), imports, tab)
    }
})

test('a model without a head says why there is no lens', async t => {
  const { lens } = JSON.parse((await get(`${images.url}api/model`)).text) as { lens: { reason?: string } }
  t.regex(lens.reason ?? '', /logits/)
  const { status, body } = await images.ask('lens', { inputs: { image: { generated: 'zeros' } } })
  t.is(status, 422)
  t.is(body.message, lens.reason)
})

test('a client that closes its connection ends its run, and the next request is answered', async t => {
  const own = await view([chars, '--vocab', vocab])
  t.teardown(() => own.end('SIGKILL'))
  const long = Array.from({ length: 128 }, (_, i) => i % 65)
  // Hundreds of matrix products, each of which needs the one before.
  const template = 'h = full([1500, 1500], 0.001)\nfor i in 0:400\n  h = tanh(h @ h)\nsave x = h.sum()'
  await own.ask('run', { inputs })
  const controller = new AbortController()
  const run = own.ask('run', { inputs: { input_ids: { json: [long] } }, template }, controller.signal)
  const early = await Promise.race([
    run.then(() => 'done'),
    new Promise(done => setTimeout(() => done('running'), 1500)),
  ])
  t.is(early, 'running')
  // Requests that need no run are answered meanwhile.
  t.is((await own.ask('tokens', { text: 'a' })).status, 200)
  controller.abort()
  await t.throwsAsync(run, { any: true, name: 'AbortError' })
  const next = await own.ask('run', { inputs })
  t.is(next.status, 200)
  t.deepEqual((next.body.results as Record<string, { dims: number[] }>).logits.dims, [1, 4, 65])
  t.is(await own.end(), 0)
})

test('SIGINT and SIGTERM end the command, also during a run', async t => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const own = await view([chars, '--json'])
    t.teardown(() => own.end('SIGKILL'))
    t.deepEqual(JSON.parse(own.stdout), { url: own.url })
    t.is(own.stdout.trim().split('\n').length, 1)
    const run = own.ask('run', {
      inputs,
      template: 'h = full([1500, 1500], 0.001)\nfor i in 0:400\n  h = tanh(h @ h)\nsave x = h.sum()',
    })
    run.catch(() => undefined)
    await new Promise(done => setTimeout(done, 500))
    t.is(await own.end(signal), 0)
    await t.throwsAsync(run)
  }
})

test('a port in use, a wrong port and a wrong vocabulary are errors', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise(done => taken.once('listening', done))
  const { port } = taken.address() as AddressInfo
  const busy = await onnsight(['view', chars, '--port', String(port)])
  t.is(busy.code, 1)
  t.regex(busy.stderr, new RegExp(`Port ${port} can't be used: another program uses it\\.\n {2}Do this: `))
  taken.close()
  t.is((await onnsight(['view', chars, '--port', '70000'])).code, 2)
  const wrong = join(folder, 'wrong.json')
  writeFileSync(wrong, '{"words": []}')
  for (const file of [wrong, join(folder, 'none.json'), chars]) {
    const { code, stderr } = await onnsight(['view', chars, '--vocab', file])
    t.is(code, 1)
    t.regex(stderr, /vocabulary[\s\S]*Do this: /)
  }
})

test('a tokenizer.json can be the vocabulary', async t => {
  const file = join(folder, 'tokenizer.json')
  writeFileSync(file, JSON.stringify(wordPieces))
  const own = await view([chars, '--vocab', file])
  const { body } = await own.ask('tokens', { text: 'the lights' })
  t.deepEqual(body.tokens, [
    { id: 1, text: 'the' },
    { id: 2, text: 'light' },
    { id: 3, text: '##s' },
  ])
  t.is(await own.end(), 0)
})

test('the vocabulary next to the model is found; if it can’t be used, a note says so', async t => {
  for (const [model, vocabulary, expected] of [
    ['own/text.onnx', 'own/text.vocab.json', /\nTexts of token ids: \S+own\/text\.vocab\.json\n/],
    ['onnx/model.onnx', 'tokenizer.json', /\nTexts of token ids: \S+tokenizer\.json\n/],
    ['broken/model.onnx', 'broken/tokenizer.json', undefined],
  ] as const) {
    const [path, vocabularyPath] = [model, vocabulary].map(name => join(folder, name))
    mkdirSync(dirname(path), { recursive: true })
    copyFileSync(chars, path)
    writeFileSync(
      vocabularyPath,
      expected ? JSON.stringify(vocabulary === 'tokenizer.json' ? wordPieces : { chars: ['t', 'h', 'e'] }) : '{',
    )
    const own = await view([path])
    t.teardown(() => own.end('SIGKILL'))
    const { status, body } = await own.ask('tokens', { text: 'the' })
    if (expected) {
      t.regex(own.stdout, expected)
      t.regex((body.tokens as { text: string }[])[0].text, /^(the|t)$/)
    } else {
      t.is(status, 400)
      t.regex(own.stderr(), /without their texts\. The vocabulary \S+ can't be used: [\s\S]*Do this: /)
    }
    t.is(await own.end(), 0)
  }
})

/** A tokenizer.json as Hugging Face writes it, with four words. */
const wordPieces = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: null,
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: { '[UNK]': 0, the: 1, light: 2, '##s': 3 },
  },
}
