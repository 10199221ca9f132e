import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import fc from 'fast-check'
import { exportJWK, SignJWT } from 'jose'
import { load, type Model, tensor } from 'onnsight'
import { type Server, serve } from 'onnsight/serve'
import { near } from '../near.ts'

const path = 'test/fixtures/models/chars.onnx'
const inputs = { input_ids: [[18, 47, 56, 57]] }
let server!: Server
test.before(async () => {
  server = await serve([path], { bodyBytes: 1_000_000, limits: { nodes: 100, valueBytes: 2 ** 22 } })
})
test.after.always(() => server?.close())

const post = (route: string, body: string, type = 'application/json'): Promise<Response> =>
  fetch(server.url + route, { method: 'POST', body, headers: { 'content-type': type } })

/** Eight requests each: ONNSIGHT_FUZZ=1250 npx ava test/serve/hostile.test.ts tries 10,000. */
const GROUPS = Number(process.env.ONNSIGHT_FUZZ ?? (process.env.ONNSIGHT_MANY ? 400 : 25))

test.serial(
  'mutated requests that arrive beside right ones: an answer or an error with a message, never a crash, and nothing of another',
  async t => {
    t.timeout(600_000)
    const model = await load(path)
    t.teardown(() => model.release())
    const edit = (m: Model) => {
      m.transformer.h[1].output = m.transformer.h[0].output.mul(2)
      return m.lm_head.output
    }
    const graph = await model.record(inputs, edit)
    const right = JSON.stringify(graph)
    const texts: [string, string][] = [
      ['/models/chars/graphs', right],
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
    const due = await model.trace(inputs, edit)
    const isRight = async (response: Response): Promise<boolean> => {
      const [{ dims, data }] = ((await response.json()) as { values: { dims: number[]; data: string }[] }).values
      const got = new Float32Array(new Uint8Array(Buffer.from(data, 'base64')).buffer)
      return near(await tensor(got).reshape(dims).value(), due)
    }
    const piece = fc.constantFrom('', '"', '{', '[', ']', 'null', '-1', '1e99', '"__proto__"', '\u0000', '9'.repeat(30))
    const mutation = fc.tuple(fc.constantFrom(...texts), fc.nat(), fc.nat({ max: 40 }), piece)
    let refused = 0
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 7, maxLength: 7 }), async mutations => {
        const honest = post('/models/chars/graphs', right)
        const answers = mutations.map(async ([[route, text], at, length, added]) => {
          const start = at % text.length
          const response = await post(route, text.slice(0, start) + added + text.slice(start + length))
          const answer = (await response.json()) as { error?: { message: string } }
          t.true(response.status < 500, `${response.status} ${JSON.stringify(answer)}`)
          if (response.status < 400) return
          refused++
          t.true((answer.error?.message.length ?? 0) > 0)
        })
        await Promise.all(answers)
        t.true(await isRight(await honest))
      }),
      { numRuns: GROUPS },
    )
    t.true(refused > GROUPS)
    t.log(`${8 * GROUPS} requests, ${refused} refused`)
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
