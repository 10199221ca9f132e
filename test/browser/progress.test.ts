import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { fetchBlob } from '#dist/runtime/browser/fetch.js'

/** Bytes of which several in a row are equal, so that gzip shrinks them to a fifth. */
const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i >> 4) * 151)

type Told = readonly [done: number, total: number]

/** The progress that a page is told while a server answers in this way. */
async function toldBy(answer: (response: ServerResponse) => void): Promise<Told[]> {
  const server = createServer((_, response) => answer(response))
  await new Promise<void>(listening => server.listen(0, listening))
  const told: Told[] = []
  try {
    const url = new URL(`http://localhost:${(server.address() as AddressInfo).port}/model.onnx`)
    const blob = await fetchBlob(url, { keep: false, signal: undefined, onBytes: (...now) => told.push(now) })
    if (blob.size !== bytes.length) throw new Error(`${blob.size} bytes came.`)
  } finally {
    server.close()
  }
  return told
}

const packed = gzipSync(bytes)

for (const [name, total, answer] of [
  ['plain, with its length', bytes.length, response => response.setHeader('content-length', bytes.length).end(bytes)],
  ['plain, without a length', Infinity, response => response.write(bytes, () => response.end())],
  [
    'compressed, with the length of what is compressed',
    Infinity,
    response => response.setHeader('content-encoding', 'gzip').setHeader('content-length', packed.length).end(packed),
  ],
  [
    'compressed, without a length',
    Infinity,
    response => response.setHeader('content-encoding', 'gzip').write(packed, () => response.end()),
  ],
] as const satisfies readonly (readonly [string, number, (response: ServerResponse) => unknown])[])
  test(`${name}: bytes grow, their share stays below 1 to the end, and is 1 there`, async t => {
    const told = await toldBy(answer)
    t.true(told.length > 2)
    t.deepEqual(told.at(-1), [bytes.length, bytes.length])
    for (const [i, [done, of]] of told.slice(0, -1).entries()) {
      t.true(done <= told[i + 1][0])
      t.is(of, total)
      t.true(done / of < 1 || done === bytes.length, `${done} of ${of}`)
    }
  })

test.serial('a site that hides that it compresses: never more than the whole', async t => {
  const own = globalThis.fetch
  globalThis.fetch = async () =>
    new Response(new Blob([bytes]).stream(), { headers: { 'content-length': `${packed.length}` } })
  try {
    const told = await toldBy(() => undefined)
    t.deepEqual(told.at(-1), [bytes.length, bytes.length])
    for (const [done, of] of told.slice(0, -1)) {
      t.true(done <= of)
      t.true(of === packed.length ? done <= packed.length : of === Infinity)
    }
  } finally {
    globalThis.fetch = own
  }
})
