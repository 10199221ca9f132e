import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { LanguageModel, type Model, type Tensor } from 'onnsight'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'

/*
 * Many users of one server at once: reads, edits, texts, and one in ten who sends what must be refused, sends too slowly, or asks for more than a share.
 * The server runs in a process of its own. Prints requests a second, the time of the slowest hundredth, how even the honest users' shares
 * are, the time of the cores for one request, and the server's memory in each tenth of the run, or in each minute of a long one; and what
 * batching gains at 32 users, beside what onnxruntime alone gains by one run of 32 rows: for graphs, and for texts by a decoder that keeps keys
 * and values, whose steps compute one token for each user. With `--think` each user waits between requests,
 * usually so many seconds.
 *
 *   npm run build && node --import onnsight/register bench/serve-load.ts [--users 500] [--minutes 0.5] [--think 0]
 *     [--batching-only] [--texts-only] [--no-batching]
 */

const PATH = 'test/fixtures/models/chars.onnx'
const flag = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
const users = flag('users', 500)
const minutes = flag('minutes', 0.5)
const textTokens = flag('text-tokens', 32)
const think = flag('think', 0)
const SECONDS_OF_BATCHING = flag('batching-seconds', 20)
const LOOKS_AT_MEMORY = Math.max(10, Math.round(minutes))

interface Measured {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly wrong: readonly string[]
  /** Answers that each honest user had. */
  readonly shares: readonly number[]
  /** Milliseconds of all cores that the server took for each request. */
  readonly coresMs: number
  /** MiB of the server's processes, in each part of the time. */
  readonly memory: readonly number[]
}

/** A request, and whether its answer is right. */
interface Kind {
  readonly name: string
  readonly route: string
  readonly body: string
  isRight(status: number, text: string): boolean
  /** Sends the first half of the body, and then nothing. */
  readonly isSlow?: boolean
}

const model = await LanguageModel.load(PATH)
const tokens = (user: number, length: number): number[][] => [
  Array.from({ length }, (_, i) => (user * 7 + i * 3 + (user >> 4)) % 65),
]
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/** A prompt of seven letters that no other of the first 676 users has. */
const promptOf = (user: number): string => `First${LETTERS[Math.floor(user / 26) % 26]}${LETTERS[user % 26]}`
let isWrong = false
if (!process.argv.includes('--batching-only') && !process.argv.includes('--texts-only'))
  print(
    `${users} users, one in ten hostile`,
    await measured(await kindsOf(model, users), minutes * 60, 32, { isHonest: user => user % 10 !== 0, think }),
  )
const lengths = process.argv.includes('--no-batching') || process.argv.includes('--texts-only') ? [] : [4, 16, 48]
for (const length of lengths) {
  console.log(`onnxruntime alone, ${length} tokens: ${await bareGain(length)} times as many rows in a run of 32`)
  const same = await Promise.all(Array.from({ length: 32 }, async (_, user) => [await readKind(model, user, length)]))
  const alone = await measured(same, SECONDS_OF_BATCHING, 1)
  const together = await measured(same, SECONDS_OF_BATCHING, 32)
  print(`32 users, ${length} tokens, each alone`, alone)
  print(`32 users, ${length} tokens, in batches`, together)
  console.log(
    `batching: ${(together.perSecond / alone.perSecond).toFixed(2)} times as many; ${(alone.coresMs / together.coresMs).toFixed(2)} by the cores’ time`,
  )
}
await model.release()
if (!process.argv.includes('--no-batching')) await texts()
process.exitCode = isWrong ? 1 : 0

/** 32 users, each with a prompt of its own and the same settings. */
async function texts(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'onnsight-bench-'))
  const path = join(folder, 'chars.onnx')
  copyFileSync('test/fixtures/models/chars-cache.onnx', path)
  copyFileSync('test/fixtures/models/chars.vocab.json', join(folder, 'chars.vocab.json'))
  const decoder = await LanguageModel.load(path)
  const letters = `${LETTERS}ABCDEF`
  const kinds = await Promise.all(
    [...letters].map(async letter => [await textKind(decoder, `First${letter}`, textTokens)]),
  )
  await decoder.release()
  console.log(`onnxruntime alone, a step of one token: ${await bareStepGain(path)} times as many rows in a run of 32`)
  const alone = await measured(kinds, SECONDS_OF_BATCHING, 1, { path })
  const together = await measured(kinds, SECONDS_OF_BATCHING, 32, { path })
  print(`32 users, texts of ${textTokens} tokens, each alone`, alone)
  print(`32 users, texts of ${textTokens} tokens, in batches`, together)
  console.log(
    `batching of texts: ${(together.perSecond / alone.perSecond).toFixed(2)} times as many; ${(alone.coresMs / together.coresMs).toFixed(2)} by the cores’ time`,
  )
  rmSync(folder, { recursive: true })
}

/** The same for a step of a decoder: one token after 24, whose keys and values are given. */
async function bareStepGain(path: string): Promise<string> {
  const session = await InferenceSession.create(path, { extra: { session: { force_spinning_stop: '1' } } })
  const feeds = (rows: number): Record<string, OrtTensor> =>
    Object.fromEntries(
      session.inputMetadata.map(value => {
        if (!value.isTensor) throw new Error(`${value.name} is no tensor.`)
        const { name, shape, type } = value
        const dims = shape.map((dim, axis) =>
          axis === 0 ? rows : typeof dim === 'number' ? dim : /past/.test(dim) ? 24 : /total/.test(dim) ? 25 : 1,
        )
        const size = dims.reduce((a, b) => a * b)
        const data = type === 'int64' ? new BigInt64Array(size).fill(1n) : new Float32Array(size)
        return [name, new OrtTensor(type as 'float32', data as Float32Array, dims)]
      }),
    )
  const gain = await gainOf(rows => session.run(feeds(rows)))
  await session.release()
  return gain
}

async function textKind(of: LanguageModel, prompt: string, maxNewTokens: number): Promise<Kind> {
  const { text: due } = await of.generate(prompt, { maxNewTokens, doSample: false })
  return {
    name: 'text',
    route: '/v1/completions',
    body: JSON.stringify({ prompt, max_tokens: maxNewTokens, temperature: 0 }),
    isRight: (status, text) =>
      status === 200 && (JSON.parse(text) as { choices: { text: string }[] }).choices[0].text === due,
  }
}

/** How much faster onnxruntime runs 32 rows at once than one by one, by the clock: the median of some rounds. */
async function bareGain(length: number): Promise<string> {
  const session = await InferenceSession.create(PATH, { extra: { session: { force_spinning_stop: '1' } } })
  const run = (rows: number): Promise<unknown> =>
    session.run({ input_ids: new OrtTensor('int64', new BigInt64Array(rows * length).fill(7n), [rows, length]) })
  const gain = await gainOf(run)
  await session.release()
  return gain
}

async function gainOf(run: (rows: number) => Promise<unknown>): Promise<string> {
  const gains: number[] = []
  for (let round = 0; round < 10; round++) {
    const start = performance.now()
    for (let row = 0; row < 32; row++) await run(1)
    const middle = performance.now()
    await run(32)
    gains.push((middle - start) / (performance.now() - middle))
  }
  return gains.sort((a, b) => a - b)[5].toFixed(2)
}

/** A read after an edit with the user's own number. */
function readKind(of: Model, user: number, length: number): Promise<Kind> {
  return graphKind('edit', of, { input_ids: tokens(user, length) }, m => {
    m.transformer.h[1].output = m.transformer.h[1].output.mul(1 + (user % 13) / 10)
    return m.lm_head.output.slice(':, -1')
  })
}

/** What each user sends in turn. What is right was computed here, alone. */
async function kindsOf(of: LanguageModel, count: number): Promise<Kind[][]> {
  const all: Kind[][] = []
  for (let user = 0; user < count; user++) {
    const inputs = { input_ids: tokens(user, 16) }
    if (user % 10 === 0) {
      all.push(await hostileKinds(of, inputs, user / 10))
      continue
    }
    all.push([
      await graphKind('read', of, inputs, m => m.lm_head.output.slice(':, -1')),
      await readKind(of, user, 16),
      await textKind(of, promptOf(user), 4),
    ])
  }
  return all
}

async function graphKind(
  name: string,
  of: Model,
  inputs: { input_ids: number[][] },
  block: (m: Model) => Tensor,
): Promise<Kind> {
  const graph = await of.record(inputs, block)
  const expected = Array.from(((await of.runGraph(graph)) as Tensor).data as Float32Array)
  return {
    name,
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

/** Too large, malformed, nested deep, too long, slow, and greedy. */
async function hostileKinds(of: Model, inputs: { input_ids: number[][] }, number: number): Promise<Kind[]> {
  const huge = await of.record(inputs, m => m.lm_head.output.mean().expand([40000, 40000]).sum())
  const route = '/models/chars/graphs'
  const isRight = (status: number): boolean => status >= 400 && status < 500
  const text = JSON.stringify(huge)
  const completion = { route: '/v1/completions', isRight: (status: number) => status === 200 || isRight(status) }
  const kinds: Kind[] = [
    { name: 'huge', route, body: text, isRight },
    { name: 'cut', route, body: '{"version":', isRight },
    { name: 'broken', route, body: JSON.stringify({ ...huge, nodes: [{}] }), isRight },
    { name: 'deep', route, body: '['.repeat(50_000), isRight },
    { name: 'slow', route, body: text, isRight: () => true, isSlow: true },
    { name: 'long', ...completion, body: JSON.stringify({ prompt: 'long '.repeat(10_000), max_tokens: 4 }) },
    { name: 'greedy', ...completion, body: JSON.stringify({ prompt: 'First', max_tokens: 100_000, temperature: 0 }) },
  ]
  return [...kinds.slice(number % kinds.length), ...kinds.slice(0, number % kinds.length)]
}

async function measured(
  kinds: readonly Kind[][],
  seconds: number,
  maxBatch: number,
  {
    isHonest = () => true,
    think = 0,
    path = PATH,
  }: { isHonest?(user: number): boolean; readonly think?: number; readonly path?: string } = {},
): Promise<Measured> {
  const args = ['dist/cli/onnsight.js', 'serve', path, '--port', '0', '--no-log', '--max-batch', String(maxBatch)]
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise<string>((resolve, reject) => {
    server.once('exit', () => reject(new Error('The server has ended.')))
    server.stdout.on('data', data => {
      const found = /http:\S+(?=\/models)/.exec(String(data))?.[0]
      if (found) resolve(found)
    })
  })
  const times: number[] = []
  const wrong: string[] = []
  const shares = kinds.map(() => 0)
  // What is linked once is linked before the time begins.
  for (let round = 0; round < 3; round++) await Promise.all(kinds.slice(0, 64).map(([first]) => send(url, first)))
  const start = performance.now()
  const coresBefore = treeOf(server.pid!).cores
  const until = start + seconds * 1000
  const use = async (user: number): Promise<void> => {
    // Users who think do not begin all at once.
    if (think > 0) await wait(1000 * think * Math.random())
    for (let i = 0; performance.now() < until; i++) {
      const kind = kinds[user][i % kinds[user].length]
      const begun = performance.now()
      const { status, text } = await send(url, kind)
      if (isHonest(user)) times.push(performance.now() - begun)
      if (!kind.isRight(status, text)) wrong.push(`${kind.name}: ${status} ${text.slice(0, 200)}`)
      shares[user]++
      if (think > 0) await wait(Math.min(1000 * think * (0.5 + Math.random()), Math.max(0, until - performance.now())))
    }
  }
  const memory: number[] = []
  const watch = async (): Promise<void> => {
    for (let look = 1; look <= LOOKS_AT_MEMORY; look++) {
      await wait(Math.max(0, start + (seconds * 1000 * look) / LOOKS_AT_MEMORY - performance.now() - 1))
      memory.push(treeOf(server.pid!).memory)
    }
  }
  const watching = watch()
  await Promise.all(kinds.map((_, user) => use(user)))
  const elapsed = (performance.now() - start) / 1000
  await watching
  const cores = treeOf(server.pid!).cores - coresBefore
  server.kill('SIGTERM')
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))]
  const answers = shares.reduce((sum, share) => sum + share, 0)
  return {
    perSecond: answers / elapsed,
    p50: at(0.5),
    p99: at(0.99),
    wrong,
    shares: shares.filter((_, user) => isHonest(user)).sort((a, b) => a - b),
    coresMs: (1000 * cores) / answers,
    memory,
  }
}

async function send(url: string, { route, body, isSlow }: Kind): Promise<{ status: number; text: string }> {
  if (isSlow) return sendHalf(url + route, body)
  const response = await fetch(url + route, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  return { status: response.status, text: await response.text() }
}

/** Begins a request and leaves the server waiting for the rest. */
async function sendHalf(url: string, body: string): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/json', 'content-length': String(body.length) }
  const half = request(url, { method: 'POST', headers })
  half.on('error', () => undefined)
  half.write(body.slice(0, body.length / 2))
  await wait(2000)
  half.destroy()
  return { status: 0, text: '' }
}

/** Seconds of the cores and MiB of a process and all that it started, on Linux. */
function treeOf(root: number): { readonly cores: number; readonly memory: number } {
  let [cores, memory] = [0, 0]
  const pids = [root]
  for (let pid = pids.pop(); pid !== undefined; pid = pids.pop()) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
    cores += (Number(fields[11]) + Number(fields[12])) / 100
    memory += (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096) / 2 ** 20
    for (const task of readdirSync(`/proc/${pid}/task`))
      pids.push(
        ...readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
          .split(' ')
          .flatMap(text => (text.trim() === '' ? [] : [Number(text)])),
      )
  }
  return { cores, memory }
}

function print(what: string, { perSecond, p50, p99, wrong, shares, coresMs, memory }: Measured): void {
  const middle = shares[Math.floor(shares.length / 2)]
  console.log(`${what}: ${perSecond.toFixed(0)} requests a second, ${coresMs.toFixed(2)} ms of the cores for each
  half in ${p50.toFixed(0)} ms, 99 % in ${p99.toFixed(0)} ms; ${wrong.length} wrong ${wrong.slice(0, 3).join(' ')}
  answers of an honest user: ${shares[0]} to ${shares.at(-1)}, usually ${middle}; memory ${memory.map(mib => mib.toFixed(0)).join(' ')} MiB`)
  if (wrong.length > 0) isWrong = true
}
