import test from 'ava'
import { LanguageModel, load, type Model, type OnnsightError, RemoteBackend, type Tensor, tensor } from 'onnsight'
import { type AuditEntry, type Server, serve } from 'onnsight/serve'
import { save, trace } from 'onnsight/trace.macro'
import { near } from '../near.ts'

const inputs = { input_ids: [[18, 47, 56, 57]] }
const path = 'test/fixtures/models/chars.onnx'
const audit: AuditEntry[] = []
let server!: Server
let model!: Model
let remote!: Model
test.before(async () => {
  server = await serve([path], {
    tokens: {
      'ada-token': 'ada',
      'root-token': { name: 'root', allowWeights: true },
      'poor-token': { name: 'poor', quotas: { requests: 2 } },
    },
    deny: ['transformer.h.0.mlp'],
    limits: { valueBytes: 2 ** 24 },
    audit: entry => audit.push(entry),
  })
  model = await load(path)
  remote = await load(`${server.url}/models/chars`, { token: 'ada-token' })
})
test.after.always(async () => {
  await server?.close()
  await model?.release()
  await remote?.release()
})

const ask = (route: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(server.url + route, {
    ...(body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: {
      authorization: 'Bearer ada-token',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
  })
const numbers = (tensor: Tensor): number[] => Array.from(tensor.data as Float32Array)

test('an ordinary block runs on the server, with or without the weights here', async t => {
  const backend = new RemoteBackend(server.url, { token: 'ada-token' })
  const steer = 0.5
  for (const here of [model, remote]) {
    let hidden!: Tensor
    const logits = await trace(here, inputs, { backend }, () => {
      hidden = save(here.transformer.h[1].output)
      here.transformer.h[2].mlp.output = hidden.mul(steer)
      return here.lm_head.output
    })
    const expected = await model.trace(inputs, m => {
      const h = m.transformer.h[1].output
      m.transformer.h[2].mlp.output = h.mul(steer)
      return { h, logits: m.lm_head.output }
    })
    t.true(near(logits, expected.logits))
    t.true(near(hidden, expected.h))
    t.notDeepEqual(numbers(logits), numbers((await model.run(inputs)).logits))
  }
})

test('a model of a server has its tree, types and shapes here, and no weights', async t => {
  t.is(String(remote), String(model))
  const [there, here] = [await remote.scan(inputs), await model.scan(inputs)]
  t.deepEqual(there.modules, here.modules)
  t.deepEqual(remote.signature, model.signature)
  const bytes = (await (await ask('/models/chars/skeleton')).arrayBuffer()).byteLength
  t.true(bytes < 200_000, `${bytes}`)
  const error = (await t.throwsAsync(remote.save('/tmp/never.onnx'))) as OnnsightError
  t.is(error.code, 'remote')
})

test('values in between, sessions, edits and generation run there', async t => {
  const block = async (m: Model) => {
    const first = await m.transformer.h[0].output.value()
    m.transformer.h[2].output = first.mul(2)
    return m.lm_head.output
  }
  t.true(near(await remote.trace(inputs, block), await model.trace(inputs, block)))
  const session = (of: Model) =>
    of.session(async m => {
      const h = await m.trace(inputs, inner => inner.transformer.h[1].output)
      return m.trace(inputs, inner => {
        inner.transformer.h[2].output = h
        return inner.lm_head.output
      })
    })
  t.true(near(await session(remote), await session(model)))
  const edited = (of: Model) =>
    of.edit(m => {
      m.transformer.h[1].output = m.transformer.h[1].output.mul(0.5)
    })
  t.true(near((await edited(remote).run(inputs)).logits, (await edited(model).run(inputs)).logits))
  const generated = await remote.generate([[18, 47]], { maxNewTokens: 3 })
  t.deepEqual(generated.ids.tolist(), (await model.generate([[18, 47]], { maxNewTokens: 3 })).ids.tolist())
})

test('an error of the run comes back with the user’s line', async t => {
  const block = (m: Model) => m.transformer.h[0].output.mean().expand([400, 1000, 1000]).sum()
  const error = (await t.throwsAsync(remote.trace(inputs, block))) as OnnsightError
  t.is(error.code, 'graph-limit')
  t.is(error.name, 'GraphLimitError')
  t.regex(error.message, /1\.6 GB[\s\S]*server\.test\.ts:\d+:\d+/)
  t.regex(error.at?.file ?? '', /server\.test\.ts$/)
})

test('graphs by HTTP: JSON, and safetensors', async t => {
  const graph = await model.record(inputs, m => ({ logits: m.lm_head.output, top: m.lm_head.output.argmax(-1) }))
  const json = (await (await ask('/models/chars/graphs', graph)).json()) as {
    result: unknown
    values: { type: string; dims: number[]; data: string }[]
  }
  t.deepEqual(json.result, { logits: { $tensor: 0 }, top: { $tensor: 1 } })
  const [logits] = json.values
  t.deepEqual(logits.dims, [1, 4, 65])
  const elements = new Float32Array(new Uint8Array(Buffer.from(logits.data, 'base64')).buffer)
  t.true(near(tensor([...elements], { type: 'float32', dims: [1, 4, 65] }), (await model.run(inputs)).logits))
  const response = await ask('/models/chars/graphs', graph, { accept: 'application/vnd.safetensors' })
  t.is(response.headers.get('content-type'), 'application/vnd.safetensors')
  const bytes = Buffer.from(await response.arrayBuffer())
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString()) as Record<
    string,
    { dtype: string; shape: number[] }
  >
  t.deepEqual([header[0].dtype, header[0].shape, header[1].dtype], ['F32', [1, 4, 65], 'I64'])
})

test('weights and denied places are out of reach, by whatever name', async t => {
  const weights = await model.record(inputs, m => m.lm_head.weights.weight.sum())
  const refused = await ask('/models/chars/graphs', weights)
  t.is(refused.status, 403)
  t.is(((await refused.json()) as { error: { code: string } }).error.code, 'refused')
  t.is((await ask('/models/chars/graphs', weights, { authorization: 'Bearer root-token' })).status, 200)
  for (const block of [
    (m: Model) => m.transformer.h[0].mlp.output,
    (m: Model) => m.transformer.h[0].mlp.c_proj.output,
    (m: Model) => {
      m.transformer.h[0].mlp.output = 0
      return m.lm_head.output
    },
  ])
    t.is((await ask('/models/chars/graphs', await model.record(inputs, block))).status, 403)
  t.is((await ask('/models/chars/graphs', await model.record(inputs, m => m.transformer.h[1].mlp.output))).status, 200)
})

test('who has no token, or has used up a quota, gets an error that says so', async t => {
  const refused = await t.throwsAsync(load(`${server.url}/models/chars`, { token: 'none' }))
  t.regex(refused.message, /^The server does not know this token\.\n {2}Do this: /)
  // An uncaught error is printed as its stack.
  t.true(refused.stack!.startsWith(`RefusedError: ${refused.message}\n    at `), refused.stack)
  t.is((await ask('/models', undefined, { authorization: '' })).status, 401)
  t.is((await ask('/models', undefined, { authorization: 'Bearer other' })).status, 401)
  const poor = () => ask('/models', undefined, { authorization: 'Bearer poor-token' })
  const statuses = [(await poor()).status, (await poor()).status]
  const third = await poor()
  t.deepEqual([...statuses, third.status], [200, 200, 429])
  t.true(Number(third.headers.get('retry-after')) > 0)
})

test('requests that are none are refused', async t => {
  const graph = await model.record(inputs, m => m.lm_head.output)
  const bad: [string, unknown, number][] = [
    ['/models/chars/graphs', '{', 400],
    ['/models/chars/graphs', '{"__proto__": {}}', 400],
    ['/models/chars/graphs', '[]', 400],
    ['/models/chars/graphs', { ...graph, version: 2 }, 400],
    ['/models/chars/graphs', { ...graph, nodes: 'x' }, 400],
    ['/models/chars/graphs', { ...graph, inputs: {} }, 400],
    ['/models/other/graphs', graph, 404],
    ['/nothing', {}, 404],
    ['/v1/completions', { prompt: 7 }, 400],
    ['/v1/completions', { prompt: 'a', onnsight: { template: 'save x = (' } }, 400],
    ['/v1/completions', { prompt: 'a', onnsight: { template: 'save x = transformer.h[0].mlp.output' } }, 403],
    ['/v1/chat/completions', { messages: [] }, 400],
  ]
  for (const [route, body, status] of bad) {
    const response = await ask(route, body)
    const { error } = (await response.json()) as { error: { message: string } }
    t.is(response.status, status, `${route} ${JSON.stringify(body).slice(0, 80)}: ${error.message}`)
    t.true(error.message.length > 0)
  }
})

test('the OpenAPI document names every route; health, readiness and measures need no token', async t => {
  const open = (route: string) => fetch(server.url + route)
  const { paths } = (await (await open('/openapi.json')).json()) as { paths: Record<string, unknown> }
  for (const route of [
    '/models/{model}/graphs',
    '/models/{model}/skeleton',
    '/v1/completions',
    '/v1/chat/completions',
    '/queue',
  ])
    t.true(route in paths, route)
  t.deepEqual(await (await open('/health')).json(), { status: 'ok' })
  t.is((await open('/ready')).status, 200)
  t.regex(await (await open('/metrics')).text(), /onnsight_requests_total\{.*\} \d/)
})

interface Completion {
  readonly choices: readonly { readonly text: string; readonly finish_reason: string }[]
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number }
  readonly onnsight?: {
    readonly values: readonly Record<string, { readonly dims: readonly number[]; readonly data: string }>[]
  }
}

test('a text is completed as generate() does it, whole and in pieces, with edits and reads', async t => {
  const language = await LanguageModel.load(path)
  t.teardown(() => language.release())
  const options = { maxNewTokens: 6, doSample: false }
  const request = { prompt: 'First', max_tokens: 6, temperature: 0 }
  const answer = await ask('/v1/completions', request)
  const plain = (await answer.json()) as Completion
  t.is(answer.status, 200, JSON.stringify(plain))
  t.is(plain.choices[0].text, (await language.generate('First', options)).text)
  t.is(plain.choices[0].finish_reason, 'length')
  t.deepEqual(plain.usage, { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 } as never)

  const template = 'transformer.h[1].output *= -1\nsave h = transformer.h[2].output[:, -1]'
  const edited = (await (await ask('/v1/completions', { ...request, onnsight: { template } })).json()) as Completion
  const expected = await language.generate('First', options, m => {
    m.transformer.h[1].output = m.transformer.h[1].output.mul(-1)
    return m.transformer.h[2].output.slice(':, -1')
  })
  t.is(edited.choices[0].text, expected.text)
  t.not(edited.choices[0].text, plain.choices[0].text)
  const { values } = edited.onnsight!
  t.is(values.length, 6)
  const first = new Float32Array(new Uint8Array(Buffer.from(values[0].h.data, 'base64')).buffer)
  t.true(near(tensor(Array.from(first)), tensor(numbers(expected.values[0]))))

  const response = await ask('/v1/completions', { ...request, stream: true })
  t.is(response.headers.get('content-type'), 'text/event-stream')
  const events = (await response.text())
    .trim()
    .split('\n\n')
    .map(event => event.replace(/^data: /, ''))
  t.is(events.at(-1), '[DONE]')
  const pieces = events.slice(0, -1).map(event => JSON.parse(event) as Completion)
  t.is(pieces.map(({ choices }) => choices[0].text).join(''), plain.choices[0].text)
  t.is(pieces.at(-1)!.choices[0].finish_reason, 'length')
})

test('a language model of a server takes texts, with its tokenizer', async t => {
  const language = await LanguageModel.load(path)
  const there = await load<LanguageModel>(`${server.url}/models/chars`, { token: 'ada-token' })
  t.teardown(() => Promise.all([language.release(), there.release()]))
  const logits = await there.trace('First', m => m.lm_head.output)
  t.true(near(logits, await language.trace('First', m => m.lm_head.output)))
  t.deepEqual(there.tokens('First').ids, language.tokens('First').ids)
  const options = { maxNewTokens: 3, doSample: false }
  const plain = (await there.generate('First', options)).text
  t.is(plain, (await language.generate('First', options)).text)
  const editedText = async (of: LanguageModel) => {
    const { text } = await of.generate('First', options, m => {
      m.transformer.h[1].output = m.transformer.h[1].output.mul(-1)
      return m.lm_head.output
    })
    return text
  }
  const edited = await editedText(there)
  t.is(edited, await editedText(language))
  t.not(edited, plain)
})

test('LanguageModel.load takes the address of a server: texts, heads, sessions and texts that are written', async t => {
  const url = `${server.url}/models/chars`
  const [there, here] = [await LanguageModel.load(url, { token: 'ada-token' }), await LanguageModel.load(path)]
  t.teardown(() => Promise.all([there.release(), here.release()]))
  const pattern = (of: LanguageModel) => of.trace('First Citizen', m => m.transformer.h[1].attn.heads[2].pattern)
  const [far, near_] = [await pattern(there), await pattern(here)]
  t.deepEqual(far.dims, near_.dims)
  t.true(near(far, near_))
  const edited = (of: LanguageModel) =>
    of.trace('First Citizen', m => {
      const head = m.transformer.h[1].attn.heads[2]
      head.z = head.z.mul(0)
      return m.lm_head.output.slice(':, -1')
    })
  const [off, whole] = [await edited(there), await there.trace('First Citizen', m => m.lm_head.output.slice(':, -1'))]
  t.true(near(off, await edited(here)))
  t.false(near(off, whole))
  t.is(
    (await there.generate('First', { maxNewTokens: 4, doSample: false })).text,
    (await here.generate('First', { maxNewTokens: 4, doSample: false })).text,
  )
  await t.throwsAsync(LanguageModel.load(url, { token: 'ada-token', dtype: 'q4' }), {
    message: /dtype says which files/,
  })
  await t.throwsAsync(LanguageModel.load(url), { code: 'refused' })
})

test('models of one address share what follows from the graph, and nothing else', async t => {
  const address = `${server.url}/models/chars`
  const open = (token: string) => LanguageModel.load(address, { token })
  const [ada, root] = await Promise.all([open('ada-token'), open('root-token')])
  t.is(ada.tokenizer, root.tokenizer)
  const last = (m: Model) => m.lm_head.output.slice(':, -1')
  const plain = await root.trace('First', last)
  const edited = ada.edit(m => {
    m.transformer.h[1].output = m.transformer.h[1].output.mul(0.5)
  })
  t.false(near(await edited.trace('First', last), plain))
  t.true(near(await root.trace('First', last), plain))
  // Each is known to the server by its own token.
  const weight = (m: Model) => m.lm_head.weights.weight.sum()
  await root.trace('First', weight)
  t.is(((await t.throwsAsync(ada.trace('First', weight))) as OnnsightError).code, 'refused')
  // What one no longer needs stays for the other, and is made again after the last.
  await ada.release()
  await ada.release()
  t.is(((await t.throwsAsync(ada.trace('First', last))) as OnnsightError).code, 'use-after-release')
  t.true(near(await root.trace('First', last), plain))
  await root.release()
  const again = await open('ada-token')
  t.true(near(await again.trace('First', last), plain))
  await again.release()
})

test('the audit has who asked for what, and nothing of the content', async t => {
  await ask('/v1/completions', { prompt: 'Zwyx', max_tokens: 1 })
  // An entry is written once its answer was sent.
  while (!audit.some(({ route, user, tokens }) => route === '/v1/completions' && user === 'ada' && tokens === 5))
    await new Promise(resolve => setTimeout(resolve, 5))
  t.false(JSON.stringify(audit).includes('Zwyx'))
})

test('a server that ends answers what it has, each answer the last of its connection, and takes nothing new', async t => {
  const own = await serve([path], { maxBatch: 2 })
  const complete = (letter: string): Promise<Response> =>
    fetch(`${own.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: `First${letter}`, max_tokens: 40, temperature: 0 }),
    })
  const textOf = async (response: Response): Promise<string> =>
    ((await response.json()) as { choices: { text: string }[] }).choices[0].text
  const letters = [...'abcdefgh']
  const due: string[] = []
  for (const letter of letters) due.push(await textOf(await complete(letter)))
  t.true(new Set(due).size > 4)

  let answered = 0
  const answers = letters.map(async letter => {
    const response = await complete(letter)
    answered++
    return response
  })
  // All are in the queue or run when the first has its answer.
  await Promise.race(answers)
  const ended = own.close()
  const [late, ready] = await Promise.all([complete('z'), fetch(`${own.url}/ready`)])
  t.true(answered < letters.length)
  t.is(late.status, 503)
  t.is(late.headers.get('retry-after'), '1')
  t.is(ready.status, 503)
  const all = await Promise.all(answers)
  t.deepEqual(await Promise.all(all.map(textOf)), due)
  t.true(all.filter(({ headers }) => headers.get('connection') === 'close').length >= letters.length - 2)
  await ended
  await t.throwsAsync(complete('a'), { instanceOf: TypeError })
})
