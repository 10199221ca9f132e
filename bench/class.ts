import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { LanguageModel, type Tensor } from 'onnsight'

/*
 * A class of thirty on one model. The server is a process of its own. The students' model is opened by its address, without weights; all share one, because
 * thirty laptops would be too much for one machine. Each does one of the lesson's tasks after another, with pauses to think. Each answer is compared with that of the model here. Prints how many answers there were, how long
 * they took, what was wrong, and the server's memory in each tenth of the time.
 *
 *   npm run build && node --import onnsight/register bench/class.ts [--students 30] [--minutes 1] [--think 2]
 */

const PATH = 'test/fixtures/models/chars.onnx'
const flag = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
const [students, minutes, think] = [flag('students', 30), flag('minutes', 1), flag('think', 2)]
const TENTHS = 10
const PROMPTS = ['First Citizen:', 'To be, or not', 'Now is the winter', 'All the world', 'ROMEO:\nWhat light']

interface Task {
  readonly name: string
  /** What the student asks, of the server's model or of the one here. */
  run(of: LanguageModel, student: number): Promise<Tensor | string>
}

/** The lesson. Each task has a number or a prompt of the student's own. */
const tasks: readonly Task[] = [
  { name: 'read', run: (of, n) => of.trace(promptOf(n), m => m.lm_head.output.slice(':, -1')) },
  { name: 'pattern', run: (of, n) => of.trace(promptOf(n), m => m.transformer.h[n % 4].attn.heads[n % 4].pattern) },
  {
    name: 'edit',
    run: (of, n) =>
      of.trace(promptOf(n), m => {
        m.transformer.h[1].output = m.transformer.h[1].output.mul(1 + n / 30)
        return m.lm_head.output.slice(':, -1')
      }),
  },
  {
    name: 'head off',
    run: (of, n) =>
      of.trace(promptOf(n), m => {
        const head = m.transformer.h[n % 4].attn.heads[n % 3]
        head.z = head.z.mul(0)
        return m.lm_head.output.slice(':, -1')
      }),
  },
  {
    name: 'text',
    async run(of, n) {
      return (await of.generate(promptOf(n), { maxNewTokens: 6, doSample: false })).text
    },
  },
]

const promptOf = (student: number): string => PROMPTS[student % PROMPTS.length]

const here = await LanguageModel.load(PATH)
const due = new Map<string, Tensor | string>()
for (const { name, run } of tasks) for (let n = 0; n < students; n++) due.set(`${name} ${n}`, await run(here, n))
await here.release()

const args = ['dist/cli/onnsight.js', 'serve', PATH, '--port', '0', '--no-log']
const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
const url = await new Promise<string>(resolve => {
  server.stdout.on('data', data => {
    const found = /http:\S+/.exec(String(data))?.[0]
    if (found) resolve(found)
  })
})
const model = await LanguageModel.load(url)
for (const { run } of tasks) await run(model, 0)
const until = performance.now() + minutes * 60_000
const times: number[] = []
const wrong: string[] = []
const memory: number[] = []

async function study(n: number): Promise<void> {
  for (let i = n; performance.now() < until; i++) {
    const task = tasks[i % tasks.length]
    const start = performance.now()
    const got = await task.run(model, n).catch((error: unknown) => String(error))
    times.push(performance.now() - start)
    if (!isSame(got, due.get(`${task.name} ${n}`)!)) wrong.push(`${task.name} of ${n}: ${String(got).slice(0, 100)}`)
    await wait(1000 * think * (0.5 + Math.random()))
  }
}

function isSame(got: Tensor | string, expected: Tensor | string): boolean {
  if (typeof got === 'string' || typeof expected === 'string') return got === expected
  const [a, b] = [got.data, expected.data] as Float32Array[]
  return a.length === b.length && b.every((x, i) => Math.abs(x - a[i]) <= 1e-3 * (1 + Math.abs(x)))
}

async function watch(): Promise<void> {
  for (let tenth = 0; tenth < TENTHS; tenth++) {
    await wait((minutes * 60_000) / TENTHS)
    memory.push(memoryOf(server.pid!))
  }
}

/** MiB of a process and of those that it started, on Linux. */
function memoryOf(pid: number): number {
  const own = (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096) / 2 ** 20
  const children = readdirSync(`/proc/${pid}/task`).flatMap(task =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean),
  )
  return children.reduce((sum, child) => sum + memoryOf(Number(child)), own)
}

await Promise.all([watch(), ...Array.from({ length: students }, (_, n) => study(n))])
await model.release()
server.kill('SIGTERM')
times.sort((a, b) => a - b)
const at = (share: number): string => times[Math.floor((times.length - 1) * share)].toFixed(0)
console.log(`${students} students, ${minutes} minutes: ${times.length} answers, half in ${at(0.5)} ms, 99 % in ${at(0.99)} ms
${wrong.length} wrong ${wrong.slice(0, 3).join('; ')}
memory of the server: ${memory.map(mib => mib.toFixed(0)).join(' ')} MiB`)
process.exitCode = wrong.length > 0 ? 1 : 0
