import { PassThrough } from 'node:stream'
import { trace as telemetry } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import test from 'ava'
import { type InterventionGraph, load } from 'onnsight'
import { type Server, serve } from 'onnsight/serve'

const path = 'test/fixtures/models/chars.onnx'
const exporter = new InMemorySpanExporter()
const log = new PassThrough()
const lines: string[] = []
log.on('data', data => lines.push(...String(data).trim().split('\n')))
let server!: Server
let graph!: InterventionGraph
test.before(async () => {
  telemetry.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  const model = await load(path)
  graph = await model.record({ input_ids: [[18, 47, 56, 57]] }, m => m.lm_head.output)
  await model.release()
  const per = 3600
  server = await serve([path], {
    log,
    tokens: {
      a: 'ada',
      few: { name: 'few', quotas: { tokens: 12, per } },
      small: { name: 'small', quotas: { bytes: 1000, per } },
      short: { name: 'short', quotas: { seconds: 0.001, per } },
    },
  })
})
test.after.always(() => server?.close())

const ask = (token: string, route: string, body: unknown, to = server): Promise<Response> =>
  fetch(to.url + route, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  })
const complete = (token: string, more: object = {}, to = server) =>
  ask(token, '/v1/completions', { prompt: 'Zwyxes', max_tokens: 6, temperature: 0, ...more }, to)

test.serial('quotas of tokens, bytes and seconds: who has used one up is refused, and others are not', async t => {
  t.is((await complete('few')).status, 200)
  for (const [token, kind, first] of [
    ['few', /12 tokens/, () => complete('few')],
    ['small', /1000 bytes/, () => ask('small', '/models/chars/graphs', graph)],
    ['short', /0\.001 seconds/, () => ask('short', '/models/chars/graphs', graph)],
  ] as const) {
    if (token !== 'few') t.is((await first()).status, 200)
    // Bytes are counted when the answer was sent.
    let refused = await first()
    while (refused.status === 200) refused = await first()
    t.is(refused.status, 429)
    t.true(Number(refused.headers.get('retry-after')) > 3000)
    t.regex(((await refused.json()) as { error: { message: string } }).error.message, kind)
    t.is((await ask('a', '/models/chars/graphs', graph)).status, 200)
  }
})

test.serial('each run is a span, and each request two lines of JSON that do not have its content', async t => {
  exporter.reset()
  lines.length = 0
  t.is((await ask('a', '/models/chars/graphs', graph)).status, 200)
  t.is((await complete('a')).status, 200)
  const spans = exporter.getFinishedSpans()
  t.deepEqual(
    spans.map(({ name, attributes }) => ({ name, attributes })),
    [0, 1].map(() => ({ name: 'onnsight.run', attributes: { model: 'chars', requests: 1 } })),
  )
  while (lines.length < 4) await new Promise(resolve => setTimeout(resolve, 5))
  const entries = lines.map(line => JSON.parse(line) as { reqId: string; msg: string; res?: { statusCode: number } })
  t.is(new Set(entries.map(({ reqId }) => reqId)).size, 2)
  t.is(entries.filter(({ res }) => res?.statusCode === 200).length, 2)
  t.false(lines.join().includes('Zwyxes') || lines.join().includes('Bearer'))
})

test.serial('a run that takes more memory than it may is ended, and the next one has a process of its own', async t => {
  const own = await serve([path], { memoryBytes: 2 ** 20 })
  t.teardown(() => own.close())
  for (let round = 0; round < 2; round++) {
    const refused = await complete('', { max_tokens: 55 }, own)
    t.is(refused.status, 503)
    const { error } = (await refused.json()) as { error: { message: string } }
    t.regex(error.message, /bytes of memory, and 1048576 are allowed/)
  }
})
