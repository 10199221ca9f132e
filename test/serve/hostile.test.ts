import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import fc from 'fast-check'
import { exportJWK, SignJWT } from 'jose'
import { load } from 'onnsight'
import { type Server, serve } from 'onnsight/serve'
import { many } from '../many.js'

const path = 'test/fixtures/models/chars.onnx'
const inputs = { input_ids: [[18, 47, 56, 57]] }
let server!: Server
test.before(async () => {
  server = await serve([path], { bodyBytes: 1_000_000, limits: { nodes: 100, valueBytes: 2 ** 22 } })
})
test.after.always(() => server?.close())

const post = (route: string, body: string, type = 'application/json'): Promise<Response> =>
  fetch(server.url + route, { method: 'POST', body, headers: { 'content-type': type } })

test.serial(
  'mutated requests: an answer or an error with a message, never a crash, and then the right values',
  async t => {
    const model = await load(path)
    t.teardown(() => model.release())
    const graph = await model.record(inputs, m => {
      m.transformer.h[1].output = m.transformer.h[0].output.mul(2)
      return m.lm_head.output
    })
    const texts: [string, string][] = [
      ['/models/chars/graphs', JSON.stringify(graph)],
      [
        '/v1/completions',
        JSON.stringify({
          prompt: 'First',
          max_tokens: 2,
          temperature: 0,
          onnsight: { template: 'save h = lm_head.output[:, -1]' },
        }),
      ],
    ]
    const values = async (): Promise<unknown> =>
      ((await (await post(...texts[0])).json()) as { values: unknown }).values
    const before = await values()
    const piece = fc.constantFrom('', '"', '{', '[', ']', 'null', '-1', '1e99', '"__proto__"', '\u0000', '9'.repeat(30))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...texts),
        fc.nat(),
        fc.nat({ max: 40 }),
        piece,
        async ([route, text], at, length, added) => {
          const start = at % text.length
          const response = await post(route, text.slice(0, start) + added + text.slice(start + length))
          const answer = (await response.json()) as { error?: { message: string } }
          t.true(response.status < 500, `${response.status} ${JSON.stringify(answer)}`)
          if (response.status >= 400) t.true((answer.error?.message.length ?? 0) > 0)
        },
      ),
      { numRuns: many(300) },
    )
    t.deepEqual(await values(), before)
  },
)

test.serial('a body that is too large, of another type, or nested deep is refused', async t => {
  t.is((await post('/models/chars/graphs', ' '.repeat(1_000_001))).status, 413)
  t.is((await post('/models/chars/graphs', 'x', 'application/xml')).status, 415)
  t.is((await post('/models/chars/graphs', '['.repeat(100_000))).status, 400)
  t.is((await fetch(`${server.url}/health`)).status, 200)
})

test.serial('tokens of an OpenID Connect issuer are checked: signature, issuer, audience, time', async t => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' }
  const provider = createServer((request, response) => {
    const isKeys = request.url === '/keys'
    response.end(JSON.stringify(isKeys ? { keys: [jwk] } : { jwks_uri: `${issuer}/keys` }))
  })
  await new Promise<void>(resolve => provider.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void provider.close())
  const issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
  const own = await serve([path], { oidc: { issuer, audience: 'onnsight' } })
  t.teardown(() => own.close())
  const token = (key: typeof privateKey, claims: { iss?: string; aud?: string; exp?: number } = {}): Promise<string> =>
    new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setSubject('ada')
      .setIssuer(claims.iss ?? issuer)
      .setAudience(claims.aud ?? 'onnsight')
      .setExpirationTime(claims.exp ?? '1h')
      .sign(key)
  const status = async (text: string): Promise<number> =>
    (await fetch(`${own.url}/models`, { headers: { authorization: `Bearer ${text}` } })).status
  t.is(await status(await token(privateKey)), 200)
  for (const bad of [
    await token(other),
    await token(privateKey, { iss: 'http://other' }),
    await token(privateKey, { aud: 'other' }),
    await token(privateKey, { exp: 1 }),
    'none',
  ])
    t.is(await status(bad), 401)
})
