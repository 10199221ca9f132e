import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import { load } from 'onnsight'
import { compare } from 'onnsight/compare'
import * as ort from 'onnxruntime-node'
import { feed, ids } from './ids.ts'
import { type Measure, measure, median } from './measure.ts'

const LAYERS = 12
const PROMPTS = 8
const TOKENS = 64

/** A matrix of each layer's attention and of its MLP, which the second model has otherwise. */
const matrices = Array.from({ length: LAYERS }, (_, i) => [
  `h.${i}.attn.c_proj.weight`,
  `h.${i}.mlp.c_proj.weight`,
]).flat()

/**
 * The time to blame 24 modules, with 8 prompts, against as many plain runs: one for each module and prompt. The second model differs from the
 * first in these modules only.
 */
export async function blame(kind: string, path: string): Promise<Measure[]> {
  const other = path.replace(/\.onnx$/, '-spoilt.onnx')
  if (!existsSync(other)) spoil(path, other)
  const prompts = Array.from({ length: PROMPTS }, (_, seed) => ids(TOKENS, seed))
  const bare = await ort.InferenceSession.create(path)
  const runs: { readonly ms: number; readonly cpu: number }[] = []
  const plainRuns = async (): Promise<void> => {
    for (let i = -2; i < 2 * PROMPTS; i++) {
      const [start, used] = [performance.now(), processorTime()]
      await bare.run(feed(prompts[(i + PROMPTS) % PROMPTS]))
      if (i >= 0) runs.push({ ms: performance.now() - start, cpu: processorTime() - used })
    }
  }
  // Before and after, because the machine may have become busier in between.
  await plainRuns()
  const [a, b] = [await load(path), await load(other)]
  const [start, used] = [performance.now(), processorTime()]
  const found = await compare(a, b, prompts)
  const [time, cpu] = [performance.now() - start, processorTime() - used]
  await a.release()
  await b.release()
  await plainRuns()
  await bare.release()
  const guilty = found.blame.filter(({ effect }) => effect !== 0).length
  if (guilty !== matrices.length) throw new Error(`${guilty} of ${matrices.length} modules are blamed.`)
  const plain = (of: 'ms' | 'cpu'): number => matrices.length * PROMPTS * median(runs.map(run => run[of]))
  const what = `blame for ${matrices.length} modules on ${PROMPTS} prompts, against a plain run for each`
  return [
    measure(`${what}: ${kind}`, time / plain('ms'), '×', 0.5),
    measure(`the same, in processor time: ${kind}`, cpu / plain('cpu'), '×'),
  ]
}

/** The milliseconds that all threads of this process have used. */
function processorTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Copies the model with less exact numbers in a part of each of these matrices: every fourth byte is 0. */
function spoil(path: string, other: string): void {
  const bytes = readFileSync(path)
  // Before the first tensor, which is large, the names stand as inputs of nodes. Behind it they are in the order of the layers.
  let at = 2 ** 26
  for (const name of matrices) {
    at = bytes.indexOf(`transformer.${name}`, at)
    if (at < 0) throw new Error(`${path} has no ${name}.`)
    for (let i = at + 1024; i < at + 400_000; i += 4) bytes[i] = 0
  }
  const file = openSync(other, 'w')
  for (let from = 0; from < bytes.length; ) from += writeSync(file, bytes, from, Math.min(2 ** 28, bytes.length - from))
  closeSync(file)
}
