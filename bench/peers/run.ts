import { program } from 'commander'
import { load } from 'onnsight'
import { logitDifference, logitLens, patchActivations } from 'onnsight/study'
import { generate } from 'onnsight/trace.macro'
import { ids } from '../ids.ts'
import { median, percentile, timed } from '../measure.ts'
import { ensureExported, ensureExportedDecoder } from '../models/exported.ts'
import { type Answer, Peers } from './peers.ts'

const THREADS = 2
const REST = 50
const [ANSWER, OTHER] = [11, 262]

const { python, rounds, tokens, patched, steps } = program
  .description(
    'Times of a logit lens, of patching and of a generation with an edit and a read in every step, on GPT-2 small: here, in nnsight and in TransformerLens.',
  )
  .requiredOption('--python <path>', 'a Python with bench/peers/requirements.txt')
  .option('--rounds <n>', 'rounds of each study', '5')
  .option('--tokens <n>', 'tokens of the prompts', '64')
  .option(
    '--patched <n>',
    'tokens of the prompts that are patched, of which TransformerLens runs each position of each layer by itself',
    '16',
  )
  .option('--steps <n>', 'tokens that are generated', '32')
  .parse()
  .opts<{ python: string; rounds: string; tokens: string; patched: string; steps: string }>()

const TOOLS = ['nnsight', 'TransformerLens'] as const

/** A study, as it is run here and as the peers are asked for it. */
interface Study {
  readonly name: string
  readonly asked: string
  readonly given: Readonly<Record<string, unknown>>
  readonly here: () => Promise<unknown>
}

const exported = await load(ensureExported(), { threads: THREADS, reuseBytes: 0 })
const decoder = await load(ensureExportedDecoder(), { threads: THREADS, reuseBytes: 0 })
const prompt = ids(Number(tokens), 1)
const clean = ids(Number(patched), 2)
const corrupted = clean.with(Math.floor(clean.length / 2), 99)

const ofExported: readonly Study[] = [
  {
    name: `logit lens, ${tokens} tokens`,
    asked: 'logit_lens',
    given: { ids: [prompt] },
    here: async () => {
      const layers = (await logitLens(exported, [prompt])).ids.tolist() as number[][][][]
      // The first row is that of the embeddings, which the peers are not asked for.
      return layers.slice(1).map(layer => layer[0][prompt.length - 1][0])
    },
  },
  {
    name: `patching, 12 layers × ${patched} positions`,
    asked: 'patching',
    given: { clean: [clean], corrupted: [corrupted], answer: ANSWER, other: OTHER },
    here: async () => {
      const metric = logitDifference(ANSWER, OTHER)
      const { values } = await patchActivations(exported, { clean: [clean], corrupted: [corrupted], metric })
      return values.tolist()
    },
  },
]
const ofDecoder: readonly Study[] = [
  {
    name: `generation, ${steps} tokens after ${tokens}, an edit and a read in each`,
    asked: 'generate',
    given: { ids: [prompt], steps: Number(steps) },
    here: async () => {
      const options = { maxNewTokens: Number(steps), eosTokenId: [] }
      const { ids: all } = await generate(decoder, [prompt], options, m => {
        m.transformer.h[5].output.set(':, -1, 0:8', 0)
        return m.transformer.h[8].output.slice(':, -1')
      })
      return (all.tolist() as bigint[][])[0].slice(prompt.length)
    },
  },
]

for (const [path, studies] of [
  [ensureExported(), ofExported],
  [ensureExportedDecoder(), ofDecoder],
] as const) {
  const peers = await Peers.start(python, path, THREADS)
  console.log(JSON.stringify(peers.versions))
  for (const study of studies) await measured(peers, study)
  peers.end()
}
await exported.release()
await decoder.release()

/** Runs the study in all tools, in another order each round, checks that they agree, and prints their times. */
async function measured(peers: Peers, { name, asked, given, here }: Study): Promise<void> {
  const theirs = TOOLS.map(() => [] as Answer[])
  const processor: number[] = []
  const answers: Answer[] = []
  const result = await here()
  const [own] = await timed(Number(rounds), REST, [
    async () => {
      const before = process.cpuUsage()
      await here()
      const { user, system } = process.cpuUsage(before)
      processor.push((user + system) / 1000)
    },
    ...TOOLS.map((tool, i) => async () => {
      answers[i] = await peers.ask(tool, asked, given)
      theirs[i].push(answers[i])
    }),
  ])
  for (const [i, tool] of TOOLS.entries()) check(`${name}: ${tool}`, result, answers[i].result)
  const last = <T>(all: readonly T[]): readonly T[] => all.slice(-Number(rounds))
  const ownProcessor = median(last(processor))
  const lines = TOOLS.map((tool, i) => {
    const times = last(theirs[i]).map(({ ms }) => ms)
    const busy = median(last(theirs[i]).map(answer => answer.processor))
    const ratios = [own.median / median(times), own.tenth / percentile(times, 0.1)].map(ratio => ratio.toFixed(2))
    return `${tool} ${median(times).toFixed(0)} ms, ${ratios.join(' · ')} ×; of the processor ${busy.toFixed(0)} ms, ${(ownProcessor / busy).toFixed(2)} ×`
  })
  console.log(
    `${name}: onnsight ${own.median.toFixed(0)} ms, of the processor ${ownProcessor.toFixed(0)} ms\n  ${lines.join('\n  ')}`,
  )
}

function check(what: string, own: unknown, theirs: unknown): void {
  const [left, right] = [own, theirs].map(value => [value].flat(Number.POSITIVE_INFINITY).map(Number))
  const size = Math.max(...right.map(Math.abs))
  const off = Math.max(...left.map((value, i) => Math.abs(value - right[i])))
  if (left.length !== right.length || !(off <= 1e-3 * size))
    throw new Error(`${what} gives another result: off by ${off} of ${size}.`)
}
