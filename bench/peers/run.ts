import { program } from 'commander'
import { load, type Model } from 'onnsight'
import { logitDifference, logitLens, patchActivations } from 'onnsight/study'
import { generate } from 'onnsight/trace.macro'
import { ids } from '../ids.ts'
import { median, timed } from '../measure.ts'
import { ensureExported, ensureExportedDecoder } from '../models/exported.ts'
import { type Answer, Peers } from './peers.ts'

const LAYERS = 12
const REST = 50
const [ANSWER, OTHER] = [11, 262]

const { python, rounds, tokens, patched, steps, threads, only } = program
  .description(
    'Times of a logit lens, of patching and of a generation with an edit and a read in every step, on GPT-2 small: here, in nnsight and in TransformerLens.',
  )
  .requiredOption('--python <path>', 'a Python with bench/peers/requirements.txt')
  .option('--rounds <n>', 'rounds of each study, after one that is not measured', '5')
  .option('--tokens <n>', 'tokens of the prompts', '64')
  .option(
    '--patched <n>',
    'tokens of the prompts that are patched, of which TransformerLens runs each position of each layer by itself',
    '8',
  )
  .option('--steps <n>', 'tokens that are generated', '32')
  .option(
    '--threads <n>',
    'threads of each tool: with several, those of PyTorch wait for each other on a busy machine',
    '1',
  )
  .option('--only <studies…>', 'of lens, patching, generation')
  .parse()
  .opts<{
    python: string
    rounds: string
    tokens: string
    patched: string
    steps: string
    threads: string
    only?: string
  }>()

const TOOLS = ['nnsight', 'TransformerLens'] as const

/** A study, as it is run here and as the peers are asked for it. */
interface Study {
  readonly name: string
  /** Gives the path of the model's file. */
  readonly file: () => string
  readonly asked: string
  readonly given: Readonly<Record<string, unknown>>
  readonly here: (model: Model) => Promise<unknown>
  /** What the study does many times, whose time is stated too. */
  readonly parts?: { readonly count: number; readonly name: string }
}

const prompt = ids(Number(tokens), 1)
const clean = ids(Number(patched), 2)
const corrupted = clean.with(Math.floor(clean.length / 2), 99)

const studies: Readonly<Record<string, Study>> = {
  lens: {
    name: `logit lens of ${LAYERS} layers, ${tokens} tokens`,
    file: ensureExported,
    asked: 'logit_lens',
    given: { ids: [prompt] },
    here: async model => {
      const layers = (await logitLens(model, [prompt])).ids.tolist() as number[][][][]
      // The first row is that of the embeddings, which the peers are not asked for.
      return layers.slice(1).map(layer => layer[0][prompt.length - 1][0])
    },
  },
  patching: {
    name: `patching ${LAYERS} layers × ${patched} positions`,
    file: ensureExported,
    asked: 'patching',
    given: { clean: [clean], corrupted: [corrupted], answer: ANSWER, other: OTHER },
    here: async model => {
      const metric = logitDifference(ANSWER, OTHER)
      const { values } = await patchActivations(model, { clean: [clean], corrupted: [corrupted], metric })
      return values.tolist()
    },
    parts: { count: LAYERS * clean.length, name: 'patch' },
  },
  generation: {
    name: `generation of ${steps} tokens after ${tokens}, an edit and a read in each step`,
    file: ensureExportedDecoder,
    asked: 'generate',
    given: { ids: [prompt], steps: Number(steps) },
    here: async model => {
      const options = { maxNewTokens: Number(steps), eosTokenId: [] }
      const { ids: all } = await generate(model, [prompt], options, m => {
        m.transformer.h[5].output.set(':, -1, 0:8', 0)
        return m.transformer.h[8].output.slice(':, -1')
      })
      return (all.tolist() as bigint[][])[0].slice(prompt.length)
    },
    parts: { count: Number(steps), name: 'token' },
  },
}
const chosen = only === undefined ? Object.keys(studies) : only.split(',')
const unknown = chosen.find(name => !(name in studies))
if (unknown !== undefined) program.error(`--only takes ${Object.keys(studies).join(', ')}, not ${unknown}.`)

console.log('| study | | onnsight | nnsight | TransformerLens | onnsight / nnsight | onnsight / TransformerLens |')
console.log('| --- | --- | --- | --- | --- | --- | --- |')
let versions: unknown
for (const name of chosen) {
  const study = studies[name]
  const model = await load(study.file(), { threads: Number(threads), reuseBytes: 0 })
  const peers = await Peers.start(python, study.file(), Number(threads))
  versions = peers.versions
  await measured(model, peers, study)
  peers.end()
  await model.release()
}
console.log(JSON.stringify(versions))

/** Runs the study in all tools, in another order each round, checks that they agree, and prints their times as two rows of a table. */
async function measured(model: Model, peers: Peers, { name, asked, given, here, parts }: Study): Promise<void> {
  const clocks = [[], ...TOOLS.map(() => [])] as number[][]
  const processors = [[], ...TOOLS.map(() => [])] as number[][]
  const answers: Answer[] = []
  let result: unknown
  const [own] = await timed(
    Number(rounds),
    REST,
    [
      async () => {
        const before = process.cpuUsage()
        result = await here(model)
        const { user, system } = process.cpuUsage(before)
        processors[0].push((user + system) / 1000)
      },
      ...TOOLS.map((tool, i) => async () => {
        answers[i] = await peers.ask(tool, asked, given)
        clocks[i + 1].push(answers[i].ms)
        processors[i + 1].push(answers[i].processor)
      }),
    ],
    { warm: 1, collects: false },
  )
  for (const [i, tool] of TOOLS.entries()) check(`${name}: ${tool}`, result, answers[i].result)
  const middle = (all: readonly number[]): number => median(all.slice(-Number(rounds)))
  row(name, 'on the clock', [own.median, ...clocks.slice(1).map(middle)], parts)
  row('', 'of the processor', processors.map(middle), parts)
}

function row(study: string, kind: string, times: readonly number[], parts: Study['parts']): void {
  const [own, ...theirs] = times
  const ms = (time: number): string =>
    parts ? `${time.toFixed(0)} ms, ${(time / parts.count).toFixed(1)} a ${parts.name}` : `${time.toFixed(0)} ms`
  console.log(`| ${[study, kind, ...times.map(ms), ...theirs.map(time => (own / time).toFixed(2))].join(' | ')} |`)
}

function check(what: string, own: unknown, theirs: unknown): void {
  const [left, right] = [own, theirs].map(value => [value].flat(Number.POSITIVE_INFINITY).map(Number))
  const size = Math.max(...right.map(Math.abs))
  const off = Math.max(...left.map((value, i) => Math.abs(value - right[i])))
  if (left.length !== right.length || !(off <= 1e-3 * size))
    throw new Error(`${what} gives another result: off by ${off} of ${size}.`)
}
