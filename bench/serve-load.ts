import { load, type Model, type Tensor } from 'onnsight'
import { type Server, serve } from 'onnsight/serve'

/*
 * Many users of one server at once: reads, edits, texts, and one in ten who sends what must be refused. Prints requests a second and the time of
 * the slowest hundredth, and what batching gains at 32 users.
 *
 *   node --import onnsight/register bench/serve-load.ts [users] [seconds]
 */

const PATH = 'test/fixtures/models/chars.onnx'
const users = Number(process.argv[2] ?? 500)
const seconds = Number(process.argv[3] ?? 20)

interface Measured {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly wrong: number
  readonly memory: number
}

/** A request, and whether its answer is right. */
interface Kind {
  readonly route: string
  readonly body: string
  isRight(status: number, text: string): boolean
}

const model = await load(PATH)
const tokens = (user: number): number[][] => [Array.from({ length: 16 }, (_, i) => (user * 7 + i * 3) % 65)]

const main = await measured(users, seconds, await kindsOf(model, users), 32)
print(`${users} users, one in ten hostile`, main)
const honest = (await kindsOf(model, 32, 0)).map(([read]) => [read])
const alone = await measured(32, seconds / 2, honest, 1)
const together = await measured(32, seconds / 2, honest, 32)
print('32 users who read, each alone', alone)
print('32 users who read, in batches', together)
console.log(`batching: ${(together.perSecond / alone.perSecond).toFixed(2)} times as many`)
await model.release()
process.exitCode = main.wrong + alone.wrong + together.wrong > 0 ? 1 : 0

/** What each user sends in turn. What is right was computed here, alone. */
async function kindsOf(of: Model, count: number, hostile = 10): Promise<Kind[][]> {
  const all: Kind[][] = []
  for (let user = 0; user < count; user++) {
    const inputs = { input_ids: tokens(user) }
    if (hostile > 0 && user % hostile === 0) {
      all.push(await hostileKinds(of, inputs))
      continue
    }
    const edit = (m: Model) => {
      m.transformer.h[1].output = m.transformer.h[1].output.mul(1 + (user % 13) / 10)
      return m.lm_head.output.slice(':, -1')
    }
    all.push([
      await graphKind(of, inputs, m => m.lm_head.output.slice(':, -1')),
      await graphKind(of, inputs, edit),
      {
        route: '/v1/completions',
        body: JSON.stringify({ prompt: 'First', max_tokens: 4, temperature: 0 }),
        isRight: status => status === 200,
      },
    ])
  }
  return all
}

async function graphKind(of: Model, inputs: { input_ids: number[][] }, block: (m: Model) => Tensor): Promise<Kind> {
  const graph = await of.record(inputs, block)
  const expected = Array.from(((await of.runGraph(graph)) as Tensor).data as Float32Array)
  return {
    route: '/models/chars/graphs',
    body: JSON.stringify(graph),
    isRight(status, text) {
      if (status !== 200) return false
      const [value] = (JSON.parse(text) as { values: { data: string }[] }).values
      const got = new Float32Array(new Uint8Array(Buffer.from(value.data, 'base64')).buffer)
      return (
        got.length === expected.length &&
        expected.every((due, i) => Math.abs(due - got[i]) <= 1e-3 * (1 + Math.abs(due)))
      )
    },
  }
}

async function hostileKinds(of: Model, inputs: { input_ids: number[][] }): Promise<Kind[]> {
  const huge = await of.record(inputs, m => m.lm_head.output.mean().expand([40000, 40000]).sum())
  const isRefused = (status: number): boolean => status >= 400 && status < 500
  const route = '/models/chars/graphs'
  return [JSON.stringify(huge), '{"version":', JSON.stringify({ ...huge, nodes: [{}] }), '['.repeat(50_000)].map(
    body => ({
      route,
      body,
      isRight: isRefused,
    }),
  )
}

async function measured(
  count: number,
  forSeconds: number,
  kinds: readonly Kind[][],
  maxBatch: number,
): Promise<Measured> {
  const server = await serve([PATH], { maxBatch, maxWaiting: 10_000 })
  const times: number[] = []
  let wrong = 0
  const until = performance.now() + forSeconds * 1000
  const use = async (user: number): Promise<void> => {
    for (let i = 0; performance.now() < until; i++) {
      const kind = kinds[user][i % kinds[user].length]
      const start = performance.now()
      const { status, text } = await send(server, kind)
      times.push(performance.now() - start)
      if (!kind.isRight(status, text)) wrong++
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: count }, (_, user) => use(user)))
  const elapsed = (performance.now() - start) / 1000
  await server.close()
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))]
  return {
    perSecond: times.length / elapsed,
    p50: at(0.5),
    p99: at(0.99),
    wrong,
    memory: process.memoryUsage().rss / 2 ** 20,
  }
}

async function send(server: Server, { route, body }: Kind): Promise<{ status: number; text: string }> {
  const response = await fetch(server.url + route, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  })
  return { status: response.status, text: await response.text() }
}

function print(what: string, { perSecond, p50, p99, wrong, memory }: Measured): void {
  console.log(
    `${what}: ${perSecond.toFixed(0)} requests a second, half in ${p50.toFixed(0)} ms, 99 % in ${p99.toFixed(0)} ms, ${wrong} wrong, ${memory.toFixed(0)} MiB here`,
  )
}
