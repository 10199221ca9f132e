import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load, type Tensor } from 'onnsight'
import { harvest } from 'onnsight/harvest'

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

/** The seconds of wall time and of all cores that something takes. The latter do not depend on what else the machine does. */
async function timed(run: () => Promise<unknown>): Promise<{ readonly wall: number; readonly cores: number }> {
  const [start, before] = [performance.now(), process.cpuUsage()]
  await run()
  const { user, system } = process.cpuUsage(before)
  return { wall: (performance.now() - start) / 1000, cores: (user + system) / 1e6 }
}

const bare = (ids: number[][]) =>
  timed(async () => {
    for (let i = 0; i < DOCUMENTS; i += BATCH)
      await plain.trace(ids.slice(i, i + BATCH), m => places.map(place => m.module(place).output as Tensor))
  })

const harvested = (ids: number[][], out: string) => timed(() => harvest(model, { at: layers, ids, out }))

const first = await harvest(model, { at: layers, ids: idsOf(0).slice(0, BATCH), out: join(folder, 'first') })
const ratios: Record<'wall' | 'cores', number[]> = { wall: [], cores: [] }
const places = first.places.map(({ name }) => name.replace(/\.output$/, ''))
await bare(idsOf(1))
try {
  for (let round = 1; round <= ROUNDS; round++) {
    const out = join(folder, String(round))
    const alone = await bare(idsOf(2 * round))
    const whole = await harvested(idsOf(2 * round + 1), out)
    const rate = (DOCUMENTS * LENGTH) / whole.wall
    const ratio = (what: 'wall' | 'cores'): string => (alone[what] / whole[what]).toFixed(3)
    console.log(
      `${ratio('wall')} of the speed of bare runs by the clock, ${ratio('cores')} by the cores’ time; ${rate.toFixed(0)} tokens a second`,
    )
    for (const what of ['wall', 'cores'] as const) ratios[what].push(alone[what] / whole[what])
    rmSync(out, { recursive: true })
  }
  const median = (all: number[]): string => all.sort((a, b) => a - b)[all.length >> 1].toFixed(3)
  console.log(`medians: ${median(ratios.wall)} by the clock, ${median(ratios.cores)} by the cores’ time`)
} finally {
  rmSync(folder, { recursive: true })
}
