import { writeFileSync } from 'node:fs'
import { program } from 'commander'
import { blame } from './blame.ts'
import { cachedDecoder, cacheFolder } from './cache-folder.ts'
import { constructs } from './constructs.ts'
import { decoder } from './decoder.ts'
import { gradients } from './gradients.ts'
import { interventions } from './interventions.ts'
import { createMs, loading } from './loading.ts'
import { macroTime } from './macro.ts'
import { type Measure, REST } from './measure.ts'
import { ensureExported, ensureExportedDecoder } from './models/exported.ts'
import { ensureGpt2 } from './models/gpt2.ts'
import { patching } from './patching.ts'
import { ratios } from './ratios.ts'
import { small } from './small.ts'
import { sweep } from './sweep.ts'
import { transformersJs } from './transformers-js.ts'

const options = program
  .description('Ratios against onnxruntime-node on the same file: medians, and 10th percentiles behind them.')
  .option('--json <file>', 'write the measures to a file')
  .option('--rounds <n>', 'rounds of each measure', '40')
  .option(
    '--only <names…>',
    'of load, ratios, interventions, macro, constructs, cache, sweep, patching, gradients, decoder, blame, transformers-js, small',
  )
  .parse()
  .opts<{ json?: string; rounds: string; only?: string[] | string }>()
const rounds = Number(options.rounds)
const only = options.only === undefined ? undefined : [options.only].flat().flatMap(names => names.split(','))

const models = { exported: ensureExported(), own: ensureGpt2() }
const kinds = Object.entries(models)
const parts: Record<string, () => Promise<Measure[]>> = {
  load: async () => loading(models.own, await createMs(models.own)),
  ratios: async () =>
    flat(kinds.flatMap(([kind, path]) => [true, false].map(rests => () => ratios(kind, path, rounds, rests)))),
  sweep: () =>
    flat(
      kinds.map(
        ([kind, path]) =>
          () =>
            sweep(kind, path, Math.ceil(rounds / 6), REST),
      ),
    ),
  patching: () =>
    flat(
      kinds.map(
        ([kind, path]) =>
          () =>
            patching(kind, path, Math.ceil(rounds / 12)),
      ),
    ),
  gradients: () => gradients('own', models.own, Math.ceil(rounds / 4), REST),
  decoder: () => decoder(ensureExportedDecoder(), Math.ceil(rounds / 4), REST),
  'transformers-js': () => transformersJs(Math.ceil(rounds / 4), REST),
  interventions: () =>
    flat(
      kinds.map(
        ([kind, path]) =>
          async () =>
            interventions(kind, path, await createMs(path)),
      ),
    ),
  macro: () => macroTime(),
  constructs: () => constructs(models.own, rounds, REST),
  cache: () =>
    flat([
      ...kinds.map(
        ([kind, path]) =>
          () =>
            cacheFolder(kind, path, rounds),
      ),
      () => cachedDecoder(ensureExportedDecoder(), Math.ceil(rounds / 4)),
    ]),
  blame: () => blame('own', models.own),
  small: () => small(),
}

const results: Measure[] = []
for (const [name, part] of Object.entries(parts)) {
  if (only && !only.includes(name)) continue
  for (const result of await part()) {
    results.push(result)
    console.log(line(result))
  }
}
if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`)

/** Runs the measures one after the other, because they share the machine. */
async function flat(list: readonly (() => Promise<Measure[]>)[]): Promise<Measure[]> {
  const all: Measure[] = []
  for (const one of list) all.push(...(await one()))
  return all
}

function line({ name, value, tenth, unit, target, holds }: Measure): string {
  const numbers = tenth === undefined ? `${value} ${unit}` : `${value} · ${tenth} ${unit}`
  const verdict = holds === undefined ? '' : holds ? '  holds' : '  DOES NOT HOLD'
  return `${name.padEnd(80)} ${numbers.padStart(18)}${target === undefined ? '' : `  (≤ ${target})`}${verdict}`
}
