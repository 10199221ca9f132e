import {
  type Harvest,
  type HarvestOptions,
  type HarvestProgress,
  harvest,
  type Statistics,
} from '../../harvest/index.ts'
import type { LoadOptions, Model } from '../../runtime/index.ts'
import { newTemplate } from '../../runtime/tracing/blocks/block.ts'
import { openModel } from '../../view/model/open-model.ts'
import { savingBlock } from '../run/template.ts'
import { byteSize } from '../shared/byte-size.ts'
import { CommandError, UsageError } from '../shared/errors.ts'
import { print, printJson } from '../shared/print.ts'
import { templateText } from '../shared/template-text.ts'
import type { HarvestFlags } from './flags.ts'

/** Harvests as the flags say, and prints what there is. */
export async function runHarvest(path: string, flags: HarvestFlags, load: LoadOptions): Promise<void> {
  const sources = [flags.texts, flags.ids, flags.tensors, flags.images].filter(source => source !== undefined)
  if (sources.length !== 1)
    throw new UsageError(
      'Pass one source of documents.',
      'use --texts, --ids, --tensors or --images: --texts corpus.jsonl',
    )
  const { model } = await openModel(path, load)
  const line = progressLine()
  try {
    const edited = await editedBy(model, flags)
    const found = await harvest(edited, { ...optionsOf(flags), ...(flags.json ? {} : { onProgress: line.show }) })
    line.end()
    await report(found, flags)
  } finally {
    line.end()
    await model.release()
  }
}

/** The flags that are options of `harvest()` by the same name. */
const SAME = [
  ...([
    'texts',
    'ids',
    'tensors',
    'images',
    'column',
    'take',
    'dtype',
    'format',
    'long',
    'limit',
    'batchSize',
  ] as const),
  ...(['alone', 'shardRows', 'queue', 'priority'] as const),
]

function optionsOf(flags: HarvestFlags): HarvestOptions {
  const { at, out, context } = flags
  const passed = SAME.flatMap(name => (flags[name] === undefined ? [] : [[name, flags[name]] as const]))
  return {
    ...(Object.fromEntries(passed) as Partial<HarvestOptions>),
    ...(context === undefined ? {} : { contextLength: context }),
    at,
    out,
  }
}

/** @throws CommandError for a template that changes nothing */
async function editedBy(model: Model, flags: HarvestFlags): Promise<Model> {
  const template = await templateText(flags)
  if (!template) return model
  const block = savingBlock(template.text, template.name, () => undefined)
  if (block.writes) return model.edit({}, newTemplate(block))
  throw new CommandError(
    `${template.name} changes nothing: it writes to no value of the model and skips no module.`,
    "leave it out, or write to a value: --template 'transformer.h[2].mlp.output = 0'",
  )
}

async function report(found: Harvest, flags: HarvestFlags): Promise<void> {
  const statistics = flags.statistics ? await found.statistics() : undefined
  if (flags.json) {
    const { rows, documents, shards, places } = found.index
    printJson({
      version: 1,
      out: flags.out,
      rows,
      documents,
      shards: shards.length,
      places,
      ...(statistics ? { statistics: plain(statistics) } : {}),
    })
    return
  }
  print(`${flags.out}: ${found}`)
  for (const [name, { norm, values, std }] of Object.entries(statistics ?? {})) {
    const deviation = std.reduce((sum, one) => sum + one, 0) / std.length
    print(
      `${name}: norm ${short(norm.mean)} on average, median ${short(norm.quantiles[0.5])}, 99% below ${short(norm.quantiles[0.99])}; ` +
        `deviation ${short(deviation)}; 98% of values from ${short(values.quantiles[0.01])} to ${short(values.quantiles[0.99])}`,
    )
  }
}

const short = (value: number): string => value.toPrecision(4)

const plain = (statistics: Readonly<Record<string, Statistics>>): unknown =>
  JSON.parse(JSON.stringify(statistics, (_, value: unknown) => (value instanceof Float32Array ? [...value] : value)))

const EVERY_MS = 500

/** Shows progress on stderr: on a terminal in one line that is written over, elsewhere in a line now and then. */
function progressLine(): { show(progress: HarvestProgress): void; end(): void } {
  const isTerminal = process.stderr.isTTY
  let last = 0
  let isOpen = false
  let unseen: HarvestProgress | undefined
  const print = (progress: HarvestProgress): void => {
    const text = described(progress)
    process.stderr.write(isTerminal ? `\r\x1b[K${text}` : `${text}\n`)
    isOpen = isTerminal
    unseen = undefined
  }
  return {
    show(progress) {
      unseen = progress
      const now = performance.now()
      if (now - last < (isTerminal ? EVERY_MS : 10 * EVERY_MS)) return
      last = now
      print(progress)
    },
    end() {
      if (unseen) print(unseen)
      if (isOpen) process.stderr.write('\n')
      isOpen = false
    },
  }
}

function described({ rows, bytes, rowsPerSecond, part, secondsLeft, waitsFor }: HarvestProgress): string {
  const share = part === undefined ? '' : `${Math.floor(100 * part)}%, `
  const left = secondsLeft === undefined ? '' : `, ${duration(secondsLeft)} left`
  const waits = waitsFor ? `, waits for ${waitsFor}` : ''
  return `${share}${rows} rows, ${Math.round(rowsPerSecond)} a second, ${byteSize(bytes)} written${left}${waits}`
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}
