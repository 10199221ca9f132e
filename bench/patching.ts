import { load } from 'onnsight'
import { logitDifference, patchActivations } from 'onnsight/study'
import * as ort from 'onnxruntime-node'
import { feed, ids } from './ids.ts'
import { type Measure, measure, median } from './measure.ts'

const [LAYERS, POSITIONS] = [12, 64]
/** The plain runs of a round, half of them before the sweep and half after it. Their time is scaled to a run for each patch. */
const RUNS = 96

/**
 * Measures patching every position of every layer, compared with as many runs of a plain session on the same file: time on the clock, and
 * that of the processor in all threads, which other work on the machine hardly changes.
 */
export async function patching(kind: string, path: string, rounds: number): Promise<Measure[]> {
  const bare = await ort.InferenceSession.create(path)
  const model = await load(path)
  const clean = ids(POSITIONS, 2)
  const corrupted = clean.with(POSITIONS / 2, 99)
  const sweep = () =>
    patchActivations(model, { clean: [clean], corrupted: [corrupted], metric: logitDifference(11, 262) })
  const runs = async () => {
    for (let run = 0; run < RUNS / 2; run++) await bare.run(feed(corrupted))
  }
  const ratios: Spent[] = []
  for (let round = -1; round < rounds; round++) {
    const before = await spent(runs)
    const patched = await spent(sweep)
    const after = await spent(runs)
    const share = (part: keyof Spent) => patched[part] / (((before[part] + after[part]) / RUNS) * LAYERS * POSITIONS)
    if (round >= 0) ratios.push({ clock: share('clock'), processor: share('processor') })
  }
  await model.release()
  await bare.release()
  const what = `patching ${LAYERS} layers × ${POSITIONS} positions, against as many bare runs: ${kind}`
  return [
    measure(what, median(ratios.map(({ clock }) => clock)), '×', 0.35),
    measure(`the same, of the processor’s time: ${kind}`, median(ratios.map(({ processor }) => processor)), '×', 0.35),
  ]
}

/** Milliseconds. */
interface Spent {
  readonly clock: number
  readonly processor: number
}

async function spent(task: () => Promise<unknown>): Promise<Spent> {
  const [start, before] = [performance.now(), process.cpuUsage()]
  await task()
  const { user, system } = process.cpuUsage(before)
  return { clock: performance.now() - start, processor: (user + system) / 1000 }
}
