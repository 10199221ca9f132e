import test from 'ava'
import type { Provider } from '#dist/runtime/engine/sessions/provider.js'
import { SessionCache } from '#dist/runtime/engine/sessions/sessions.js'

const MIB = 2 ** 20
const LIMIT = 256 * MIB

/** A cache of sessions that compute nothing, and the keys of those that were created. */
function cacheOf(copiesWeights: boolean) {
  const created: string[] = []
  const provider: Provider = {
    name: 'none',
    copiesWeights,
    async create({ bytes }) {
      created.push(String(bytes[0]))
      return { run: async () => ({}), outputs: [], release: async () => {} }
    },
    probe: async () => {},
  }
  const cache = new SessionCache(provider, LIMIT)
  const use = (key: number, packedBytes: number): Promise<number> => {
    const model = () => ({ bytes: Uint8Array.of(key), folder: undefined })
    const request = { key: String(key), model, nodeCount: 1, weightBytes: packedBytes, packedBytes, prepack: true }
    return cache.use(request, async () => cache.state.bytes)
  }
  return { created, use, cache }
}

test('a session larger than half of the cache stays beside the small ones of its trace, which are kept up to the limit', async t => {
  const { created, use, cache } = cacheOf(false)
  for (const large of [200, 300]) {
    created.length = 0
    for (let run = 0; run < 3; run++)
      for (const [key, mib] of [
        [large % 256, large],
        [1, 60],
        [2, 60],
        [3, 60],
      ])
        await use(key, mib * MIB)
    t.deepEqual(created.slice(0, 4).sort(), created.slice().sort(), `${created}`)
  }
  // Only the last large one is kept, and the others within the limit.
  t.true(cache.state.bytes < 500 * MIB)
  for (let key = 4; key < 20; key++) t.true((await use(key, 60 * MIB)) < (300 + 256) * MIB)
})

test('where each session copies its weights, a large one is dropped as others are', async t => {
  const { use, cache } = cacheOf(true)
  for (const [key, mib] of [
    [9, 300],
    [1, 60],
    [2, 60],
  ])
    await use(key, mib * MIB)
  t.true(cache.state.bytes < LIMIT)
})
