import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load, type Tensor } from 'onnsight'
import { harvest } from 'onnsight/harvest'
import { median, REST, timed } from './measure.ts'

/*
 * How fast a harvest is against runs of the model alone that read the same places: `node --import onnsight/register bench/harvest.ts [model] [layers] [tokens] [batches] [rounds]`.
 * Both run the same batches; the harvest also gathers rows, computes their statistics and writes shards that are flushed to the disk.
 */
const [
  path = 'test/fixtures/models/chars.onnx',
  layers = 'transformer.h.*.output',
  tokens = '128',
  batches = '200',
  rounds = '7',
] = process.argv.slice(2)
const LENGTH = Number(tokens)
const BATCH = Math.max(1, Math.floor(2048 / LENGTH))
const DOCUMENTS = Number(batches) * BATCH
const ROUNDS = Number(rounds)

const model = await load(path)
/** The one that runs alone keeps no values for inputs that come again, as no harvest does: that would be slower. */
const plain = await load(path, { reuseBytes: 0 })
/** Other documents in each round. */
const idsOf = (round: number): number[][] =>
  Array.from({ length: DOCUMENTS }, (_, d) =>
    Array.from({ length: LENGTH }, (_, p) => (d * 7 + p * p + (p === 0 ? round : 0) + Math.floor(d / 65)) % 65),
  )
const folder = mkdtempSync(join(tmpdir(), 'onnsight-bench-'))

/** The seconds of all cores that each run of a task took. They depend less on what else the machine does. */
class Cores {
  readonly seconds: number[] = []

  async during(task: () => Promise<unknown>): Promise<void> {
    const before = process.cpuUsage()
    await task()
    const { user, system } = process.cpuUsage(before)
    this.seconds.push((user + system) / 1e6)
  }
}

const first = await harvest(model, { at: layers, ids: idsOf(0).slice(0, BATCH), out: join(folder, 'first') })
const places = first.places.map(({ name }) => name.replace(/\.output$/, ''))
const [bareCores, harvestCores] = [new Cores(), new Cores()]

async function bare(round: number): Promise<void> {
  const ids = idsOf(2 * round + 1)
  await bareCores.during(async () => {
    for (let i = 0; i < DOCUMENTS; i += BATCH)
      await plain.trace(ids.slice(i, i + BATCH), m => places.map(place => m.module(place).output as Tensor))
  })
}

async function harvested(round: number): Promise<void> {
  const ids = idsOf(2 * round + 2)
  const out = join(folder, String(round))
  await harvestCores.during(() => harvest(model, { at: layers, ids, out }))
  rmSync(out, { recursive: true })
}

try {
  const WARM = 1
  const [alone, whole] = await timed(ROUNDS, REST, [bare, harvested], { warm: WARM })
  const cores = (of: Cores): number => median(of.seconds.slice(WARM))
  const shown = (ratio: number): string => ratio.toFixed(3)
  console.log(
    `${shown(alone.median / whole.median)} of the speed of bare runs by the medians, ${shown(alone.tenth / whole.tenth)} by the 10th percentiles, ` +
      `${shown(cores(bareCores) / cores(harvestCores))} by the cores’ time; ${((1000 * DOCUMENTS * LENGTH) / whole.median).toFixed(0)} tokens a second`,
  )
} finally {
  rmSync(folder, { recursive: true })
}
