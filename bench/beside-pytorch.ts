import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { grad, load, type Model, type Tensor } from 'onnsight'
import { integratedGradients, logProbability } from 'onnsight/study'
import { ids } from './ids.ts'
import { median } from './measure.ts'
import { ensureGpt2 } from './models/gpt2.ts'

/*
 * Gradients of a GPT-2 of 124 M parameters, 64 tokens, beside PyTorch's autograd and nnsight on the same machine, each with one thread, in
 * milliseconds of the processor: other work on the machine hardly changes those. It takes some minutes.
 *
 *   npm run bench:pytorch -- PYTHON [rounds]     PYTHON has torch, and nnsight for its row
 */
const [, , python = 'python3', rounds = '5'] = process.argv
const [TOKENS, STEPS] = [64, 32]
/** Weights of a session are packed after 32 runs. */
const WARM = 36

const script = fileURLToPath(new URL('pytorch_gradients.py', import.meta.url))
const peer = JSON.parse(execFileSync(python, [script, rounds, '1', '--json'], { encoding: 'utf8' })) as Record<
  string,
  number
>

const model = await load(ensureGpt2(), { reuseBytes: 0, threads: 1 })
const last = (m: Model): Tensor => m.lm_head.output.slice('0, -1').logSoftmax(-1).slice('5')
const at = (places: (m: Model) => Tensor | Tensor[]) => (round: number) =>
  model.trace([ids(TOKENS, round)], m => grad(last(m), places(m)))
const allLayers = at(m => [...m.transformer.h].map(layer => layer.output))
const tasks: Readonly<Record<string, (round: number) => Promise<unknown>>> = {
  forward: round => model.run([ids(TOKENS, round)]),
  middle: at(m => m.transformer.h[6].input),
  embeddings: at(m => m.transformer.h[0].input),
  'all layers': allLayers,
}

const found: Record<string, number> = {}
for (const [name, task] of Object.entries(tasks)) found[name] = await milliseconds(task, Number(rounds), WARM)
found['integrated gradients'] = await milliseconds(
  round => integratedGradients(model, [ids(TOKENS, round)], { metric: logProbability(5), steps: STEPS }),
  Math.max(1, Math.floor(Number(rounds) / 3)),
  1,
)
await model.release()

console.log('| | onnsight | PyTorch | onnsight / PyTorch | each against its own forward run |\n| - | - | - | - | - |')
for (const [name, theirs] of Object.entries(peer)) {
  const own = found[name] ?? found['all layers']
  const shares = [own / found.forward, theirs / peer.forward].map(share => `${share.toFixed(2)} ×`)
  const cells = [name, `${own.toFixed(0)} ms`, `${theirs.toFixed(0)} ms`, (own / theirs).toFixed(2), shares.join(', ')]
  console.log(`| ${cells.join(' | ')} |`)
}

/** The processor's time for one run of a task: the median of some rounds. */
async function milliseconds(task: (round: number) => Promise<unknown>, count: number, warm: number): Promise<number> {
  for (let i = 0; i < warm; i++) await task(i)
  // A session with packed weights is made once the run that asks for it has ended.
  await new Promise(resolve => setTimeout(resolve, 3000))
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const before = process.cpuUsage()
    await task(i)
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / 1000)
  }
  return median(times)
}
