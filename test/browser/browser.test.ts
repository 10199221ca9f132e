import { existsSync, readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import type { Page } from 'playwright-core'
import { MatrixPart } from '../consumers/matrix-part.ts'
import { traced } from './pages/traced.ts'
import { chromiumPath, openSite, type Site, serve } from './site.ts'

// Tests onnsight in a page, in Chromium.

const VITE = 'Vite, pages in Chromium, in a clone'
const matrix = new MatrixPart('In the browser', 'test/browser/browser.test.ts', [
  { name: VITE, packages: ['vite', 'onnxruntime-web', 'playwright-core'], lockfile: 'package-lock.json' },
])

const run = chromiumPath ? test.serial : test.serial.skip
let site!: Site
let elsewhere!: Server
/** The requests for models, such as `GET /models/chars.onnx`. */
const requests: string[] = []
let answers: Record<string, (response: ServerResponse) => void> = {}

test.before(async t => {
  t.timeout(300_000)
  if (!chromiumPath) return t.log('Skipped: no Chromium here; apt-get install chromium, or set CHROMIUM.')
  site = await openSite('test/browser/pages', 'test/fixtures', (request, response) => {
    const path = request.url ?? ''
    if (path.endsWith('.onnx') || path.endsWith('.data')) requests.push(`${request.method} ${path}`)
    const answer = answers[path]
    answer?.(response)
    return answer !== undefined || answerAsHub(request, response)
  })
  elsewhere = await serve('test/fixtures')
})
test.after.always(async () => {
  elsewhere?.close()
  await site?.close()
})
test.beforeEach(() => {
  requests.length = 0
  answers = {}
})

/** Answers like the hub: serves one model to requests that have its token. */
function answerAsHub({ url = '', method, headers }: IncomingMessage, response: ServerResponse): boolean {
  const [, path] = /^\/poets\/verse\/resolve\/main\/(.*)$/.exec(url) ?? []
  if (path === undefined || headers.authorization !== 'Bearer hf_secret') return false
  const file = `test/fixtures/models/verse/${path}`
  if (!existsSync(file)) response.writeHead(404).end()
  else response.writeHead(200, { etag: `"${path}"` }).end(method === 'HEAD' ? undefined : readFileSync(file))
  return true
}

/** Opens a new page with its own profile. */
async function opened(): Promise<Page> {
  const page = await site.open('/')
  await page.waitForFunction('globalThis.onnsight')
  return page
}

/** Runs code in the page. Returns its result, or the code and message of its error. */
async function inPage<R>(page: Page, code: string): Promise<R> {
  return page.evaluate(`(async () => {
    const { load } = onnsight
    try {
      ${code}
    } catch (error) {
      return { code: error.code, message: error.message }
    }
  })()`) as Promise<R>
}

const LOGITS = `const logits = async model => [...(await model.run([[18, 47, 56, 57]])).logits.data].slice(0, 5)`

run('a model from an address, a File, a Blob, bytes, and Files with its weights apart: the same', async t => {
  const page = await opened()
  const found = await inPage<number[][]>(
    page,
    `${LOGITS}
     const fetched = async name => new File([await (await fetch('/models/' + name)).blob()], name)
     const file = await fetched('chars.onnx')
     const sources = ['/models/chars.onnx', new URL('/models/chars.onnx', location.href), file, file.slice(), await file.arrayBuffer(),
       new Uint8Array(await file.arrayBuffer()), '/models/chars-external.onnx',
       [await fetched('chars-external.onnx.data'), await fetched('chars-external.onnx')]]
     const all = []
     for (const source of sources) { const model = await load(source); all.push(await logits(model)); await model.release() }
     return all`,
  )
  t.is(found.length, 8)
  for (const logits of found) for (const [i, value] of logits.entries()) t.true(Math.abs(value - found[0][i]) < 1e-4)
  t.true(found[0].some(value => Math.abs(value) > 0.1))
  matrix.record(VITE, 'models from addresses, Files and bytes')
})

run('what was fetched is kept, as long as it has not changed; progress is told in bytes', async t => {
  const page = await opened()
  const loaded = `
    const told = []
    const model = await load('/models/chars.onnx', { onProgress: (done, total, what) => told.push([done, total, what]) })
    await model.release()
    return told`
  const size = readFileSync('test/fixtures/models/chars.onnx').length
  const first = await inPage<[number, number, string][]>(page, loaded)
  t.deepEqual(requests, ['GET /models/chars.onnx'])
  const fetched = first.filter(([, , what]) => what === 'fetched')
  t.true(fetched.length > 0)
  t.deepEqual(fetched.at(-1), [size, size, 'fetched'])
  t.true(first.some(([, , what]) => what.startsWith('session')))
  requests.length = 0
  await inPage(page, loaded)
  t.deepEqual(requests, ['HEAD /models/chars.onnx'])
  await page.reload()
  await page.waitForFunction('globalThis.onnsight')
  requests.length = 0
  await inPage(page, loaded)
  t.deepEqual(requests, ['HEAD /models/chars.onnx'])
  answers = {
    '/models/chars.onnx': response => {
      const bytes = readFileSync('test/fixtures/models/induction.onnx')
      response.writeHead(200, { 'content-length': bytes.length, etag: '"other"' }).end(bytes)
    },
  }
  const other = `const model = await load('/models/chars.onnx'); return model.signature.outputs[0].dims.at(-1)`
  t.is(await inPage<number>(page, other), 64)
  answers = {}
  requests.length = 0
  await inPage(page, `await onnsight.clearKept(); await (await load('/models/chars.onnx', { keep: false })).release()`)
  await inPage(page, `await (await load('/models/chars.onnx', { keep: false })).release()`)
  t.deepEqual(requests, ['GET /models/chars.onnx', 'GET /models/chars.onnx'])
  matrix.record(VITE, 'what was fetched is kept')
})

run('sessions, nested traces, forced values, side by side and explained: nothing follows awaits there', async t => {
  const page = await opened()
  const found = await inPage<Record<string, unknown>>(
    page,
    `const model = await load('/models/chars.onnx')
     const a = [[18, 47, 56, 57]], b = [[1, 2, 3, 4]]
     const plain = await model.trace(b, m => m.lm_head.output)
     const h = await model.trace(a, m => m.transformer.h[1].output)
     const due = await model.trace(b, m => { m.transformer.h[1].output = h; return m.lm_head.output })
     const patched = await model.session(async m => {
       let inner
       await m.trace(a, m => { inner = onnsight.save(m.transformer.h[1].output) })
       return m.trace(b, async m => { m.transformer.h[1].output = inner; const x = await m.transformer.h[1].output.mean().value(); return m.lm_head.output.add(x).sub(x) })
     })
     const forced = await model.trace(a, async m => {
       const first = await m.transformer.h[0].output.sum().value()
       m.transformer.h[2].mlp.output = m.transformer.h[2].mlp.output.mul(0)
       const second = await m.transformer.h[2].output.sum().value()
       return [first, second, m.lm_head.output.sum()]
     })
     const many = await Promise.all([a, b, a].map(ids => model.trace(ids, m => m.lm_head.output.sum())))
     const explained = await model.explain(async () => { await model.run(a); await model.run(b) })
     const steps = await model.generate(a, { maxNewTokens: 3 }, async m => {
       const first = onnsight.save(m.lm_head.output.sum())
       const step = await onnsight.next()
       return [first, step, m.lm_head.output.sum()]
     }).catch(error => error.message)
     const far = (x, y) => Math.max(...[...x.data].map((v, i) => Math.abs(v - y.data[i])))
     return { same: far(patched, due), moved: far(patched, plain), forced: forced.map(x => x.item()), many: many.map(x => x.item()),
       traces: explained.traces.length, steps: typeof steps === 'string' ? steps : steps.steps }`,
  )
  t.true((found.same as number) < 1e-3 && (found.moved as number) > 0.1, JSON.stringify(found))
  t.is(new Set((found.forced as number[]).map(value => value.toFixed(3))).size, 3)
  const [first, second, third] = found.many as number[]
  t.true(Math.abs(first - third) < 1e-3 && Math.abs(first - second) > 0.1)
  t.is(found.traces, 2)
  t.regex(String(found.steps), /next\(\) asks for step 3, but the generation ended after 3 steps/)
  matrix.record(VITE, 'sessions, nested traces')
})

run('the macro, by Vite: what a page computes is what Node computes', async t => {
  const page = await opened()
  const there = await inPage<Record<string, unknown>>(page, `return traced('/models/chars.onnx')`)
  const here = await traced('test/fixtures/models/chars.onnx')
  t.deepEqual(
    [there.dims, there.big, there.ids, there.steps],
    [here.dims, here.big, here.ids, here.steps],
    String(there.message),
  )
  t.deepEqual(there.steps, [1, 2, 3])
  for (const key of ['logits', 'late', 'patched', 'sums', 'side']) {
    const [got, due] = [there[key], here[key]] as [number[], number[]]
    t.is(got.length, due.length)
    t.true(
      got.every((value, i) => Math.abs(value - due[i]) < 1e-3 * (1 + Math.abs(due[i]))),
      key,
    )
  }
  t.notDeepEqual(there.logits, there.patched)
  matrix.record(VITE, 'traces by the macro')
})

interface Failed {
  readonly code: string
  readonly message: string
}

run('what can go wrong says what to do', async t => {
  const page = await opened()
  const { port } = elsewhere.address() as AddressInfo
  answers = {
    '/models/page.onnx': response => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>'),
    '/models/broken.onnx': response => {
      response.writeHead(200, { 'content-length': 1000 })
      response.write('x'.repeat(100))
      setTimeout(() => response.destroy(), 50)
    },
    '/models/cut.onnx': response =>
      response.end(readFileSync('test/fixtures/models/chars.onnx').subarray(0, 1_000_000)),
    '/models/failing.onnx': response => response.writeHead(503).end(),
    '/models/chars-external.onnx.data': response => response.writeHead(404).end(),
  }
  const wrong: [string, string, RegExp][] = [
    [`load('/models/nothing.onnx')`, 'fetch', /nothing\.onnx could not be fetched: the server says 404 Not Found/],
    [`load('/models/failing.onnx')`, 'fetch', /the server says 503/],
    [`load('/models/page.onnx')`, 'not-onnx', /a web page/],
    [`load('/models/broken.onnx')`, 'fetch', /the connection broke after 100 bytes/],
    [`load('/models/cut.onnx')`, 'truncated-model', /cut\.onnx/],
    [`load('http://localhost:${port}/models/chars.onnx')`, 'fetch', /does not allow other sites to read it \(CORS\)/],
    [`load('/models/chars-external.onnx')`, 'fetch', /chars-external\.onnx\.data could not be fetched/],
    [
      `fetch('/models/chars-external.onnx').then(r => r.blob()).then(blob => load(blob))`,
      'external-data',
      /keeps the weight \S+ in chars-external\.onnx\.data, which was not found/,
    ],
    [`load('/models/chars.onnx', { provider: 'webgpu' })`, 'webgpu-unavailable', /WebGPU can't be used here/],
    [`load('/models/chars.onnx', { provider: 'cuda' })`, 'load-option', /There is no provider "cuda" here/],
    [`load('/models/chars.onnx', { cacheFolder: true })`, 'load-option', /no folders in a browser/],
    [`load(42)`, 'load-option', /load\(\) was given no model/],
    [`load([])`, 'model-not-found', /no file/],
    [
      `load('/models/chars.onnx').then(model => model.save('x.onnx'))`,
      'not-in-browser',
      /is not possible in a browser/,
    ],
    [
      `load('/models/chars.onnx').then(model => model.trace([[1, 2]], () => onnsight.cache({ file: 'x.safetensors' })))`,
      'not-in-browser',
      /is not possible in a browser/,
    ],
  ]
  for (const [code, expected, message] of wrong) {
    const error = await inPage<Failed>(page, `await ${code}; return {}`)
    t.is(error.code, expected, `${code}: ${error.message}`)
    t.regex(error.message, message, code)
    t.regex(error.message, /Do this: /, code)
  }
  matrix.record(VITE, 'errors')
})

run('where WebGPU is missing and it is allowed, WebAssembly does it', async t => {
  const page = await opened()
  const said: string[] = []
  page.on('console', message => said.push(message.text()))
  const dims = await inPage(
    page,
    `const model = await load('/models/chars.onnx', { provider: 'webgpu', fallback: 'wasm' })
     return (await model.run([[1, 2]])).logits.dims`,
  )
  t.deepEqual(dims, [1, 2, 65])
  t.true(
    said.some(text => /WebGPU can't be used here: .* Running on WebAssembly\./.test(text)),
    said.join('\n'),
  )
})

run('an abort ends loading; the next one is whole', async t => {
  const page = await opened()
  const found = await inPage<unknown>(
    page,
    `const controller = new AbortController()
     const failed = await load('/models/chars.onnx', { signal: controller.signal, onProgress: () => controller.abort() }).catch(error => error.name)
     const model = await load('/models/chars.onnx')
     return [failed, (await model.run([[1, 2]])).logits.dims]`,
  )
  t.deepEqual(found, ['AbortError', [1, 2, 65]])
})

run('docs/matrix.md names the versions of the lockfile, and what was run', t => {
  matrix.check(t)
})

run('a language model from the address of its folder, from its Files, and by its name on the hub', async t => {
  const page = await opened()
  const found = await inPage<Record<string, unknown>>(
    page,
    `const { LanguageModel } = onnsight
     const text = 'ROMEO:\\nWhat light'
     const file = async path => {
       const found = new File([await (await fetch('/models/verse/' + path)).blob()], path.split('/').at(-1))
       Object.defineProperty(found, 'webkitRelativePath', { value: 'verse/' + path })
       return found
     }
     const files = await Promise.all(['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model_q4.onnx'].map(file))
     const sources = [['/models/verse', { dtype: 'q4' }], ['models/verse/', { file: 'onnx/model_q4.onnx' }], [files, {}],
       ['poets/verse', { dtype: 'q4', endpoint: location.origin, token: 'hf_secret' }]]
     const ids = [], logits = [], strings = []
     for (const [source, options] of sources) {
       const model = await LanguageModel.load(source, options)
       const traced = await model.trace(text, m => m.lm_head.output)
       logits.push([...traced.data].slice(0, 5))
       strings.push(traced.axes[1].labels.join(''))
       ids.push(model.tokens([{ role: 'user', content: 'Good morrow' }]).ids)
       await model.release()
     }
     const chars = await LanguageModel.load('/models/chars.onnx')
     return { ids, logits, strings, chars: chars.tokens('Firs').ids }`,
  )
  const texts = JSON.parse(readFileSync('test/fixtures/verse/texts.json', 'utf8')) as { chat: { ids: number[] }[] }
  t.deepEqual(found.ids, new Array(4).fill(texts.chat[0].ids))
  t.deepEqual(found.strings, new Array(4).fill('ROMEO:\nWhat light'))
  const [first, ...others] = found.logits as number[][]
  for (const logits of others) t.deepEqual(logits, first)
  t.deepEqual(found.chars, [18, 47, 56, 57])
  t.true(requests.includes('GET /poets/verse/resolve/main/onnx/model_q4.onnx'))
  for (const [source, options, code, message] of [
    ['/models/nowhere', {}, 'language-model', /no graph of dtype fp32/],
    ['/models/verse', { dtype: 'bnb4' }, 'language-model', /bnb4/],
  ] as const) {
    const error = await inPage<{ code: string; message: string }>(
      page,
      `await onnsight.LanguageModel.load(${JSON.stringify(source)}, ${JSON.stringify(options)})`,
    )
    t.is(error.code, code)
    t.regex(error.message, message)
  }
  matrix.record(VITE, 'language models with their tokenizers')
})

run('a model of transformers.js is traced from the files in its cache', async t => {
  const page = await opened()
  const found = await inPage<{ strings: string; ids: number[]; logits: number[]; own: number[] }>(
    page,
    `const { attach, LanguageModel } = onnsight
     const text = 'ROMEO:\\nWhat light'
     // What the library leaves behind: a cache with its files, and objects with a session and a tokenizer.
     const cache = await caches.open('transformers-cache')
     const paths = ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model_q4.onnx']
     for (const path of paths)
       await cache.put('https://huggingface.co/poets/verse/resolve/main/' + path, await fetch('/models/verse/' + path))
     const pipe = { model: { sessions: { model: { config: { dtype: 'q4', device: 'wasm' } } } } }
     const model = await attach(pipe, 'poets/verse')
     const traced = await model.trace(text, m => m.lm_head.output)
     const own = await LanguageModel.load('/models/verse', { dtype: 'q4' })
     const due = await own.run(text)
     return { strings: traced.axes[1].labels.join(''), ids: model.tokens(text).ids, logits: [...traced.data], own: [...due.logits.data] }`,
  )
  t.is(found.strings, 'ROMEO:\nWhat light')
  t.deepEqual(found.logits, found.own)
  t.false(requests.some(request => request.includes('resolve')))
})
