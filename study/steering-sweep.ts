import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { tensor } from '../runtime/tensor/functions.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import type { TraceOptions } from '../runtime/tracing/tracer.ts'
import { loss, type Metric } from './metrics.ts'
import { type Prompts, StudiedModel, type Vocabulary } from './model/studied-model.ts'
import { beside, type Chart, lines } from './pictures/chart.ts'
import { type LabelledAxis, labelled } from './results/axes.ts'
import { StudyResult } from './results/result.ts'
import { short, type Table, visible } from './results/table.ts'
import type { SteeringVector } from './steering.ts'
import { Measuring } from './sweeps/measuring.ts'
import { SWEEP_OPTIONS, Sweep, type SweepOptions, traceOptionsOf } from './sweeps/sweep.ts'

/** Options of `steeringSweep()`. */
export interface SteeringSweepOptions extends SweepOptions {
  /** The factors with which the direction is added; 0 is the unedited model. @default [-4, -2, -1, 0, 1, 2, 4] */
  readonly strengths?: readonly number[]
  /** The prompts that the model continues, and that the metric measures. */
  readonly prompts: Inputs
  /** The metric that steering should change. */
  readonly metric?: Metric
  /** Ordinary texts. The perplexity of the steered model on them shows how much worse it became. */
  readonly texts?: Inputs
  /** The number of tokens to generate for each prompt; 0 for none. @default 20 */
  readonly maxNewTokens?: number
  /** Texts of the tokens, by id. */
  readonly vocabulary?: Vocabulary
}

/**
 * Steers with several strengths, and shows for each what the model writes, how a metric changes, and the perplexity on ordinary texts, which is
 * exp of the mean loss of their tokens.
 *
 * @throws InputError, ArgumentError, StudyError
 * @example console.log(await steeringSweep(model, vector, { prompts: ['I think'], texts, strengths: [0, 2, 4] }))
 */
export async function steeringSweep(
  model: Model,
  vector: SteeringVector,
  options: SteeringSweepOptions,
): Promise<SteeringSweep> {
  const {
    strengths = [-4, -2, -1, 0, 1, 2, 4],
    prompts,
    metric,
    texts,
    maxNewTokens = 20,
    vocabulary,
    ...sweeping
  } = knownOptions('steeringSweep()', options, [
    'strengths',
    'prompts',
    'metric',
    'texts',
    'maxNewTokens',
    'vocabulary',
    ...SWEEP_OPTIONS,
  ])
  if (strengths.length === 0 || !strengths.every(Number.isFinite))
    throw new ArgumentError('steeringSweep: strengths must be numbers.', undefined, 'give a list: [0, 2, 4]')
  const rest = traceOptionsOf(sweeping)
  const plain = new StudiedModel('steeringSweep', model, vocabulary)
  const promptRows = await plain.prompts(prompts)
  const ordinary = texts === undefined ? undefined : await plain.prompts(texts)
  const what = {
    ...{ layer: vector.layer, direction: vector.direction.tolist(), prompts: promptRows.ids },
    ...{ texts: ordinary?.ids ?? null, metric: metric?.name ?? null, maxNewTokens },
  }
  const sweep = await Sweep.open<SteeredRow>(plain, sweeping, what, strengths.length)
  const measuring = new Measuring(plain, metric ?? largestLogit, rest)
  const clean: (Tensor | undefined)[] = []
  for (const prompt of promptRows.ids.keys()) {
    const { value, logits } = await measuring.clean(promptRows, prompt, () => [])
    await sweep.check(`${measuring.name} of prompt ${prompt}`, value)
    clean.push(logits)
  }
  const steer = async (strength: number): Promise<SteeredRow> => {
    const steered = new StudiedModel('steeringSweep', vector.apply(model, strength), vocabulary)
    const row: SteeredRow = { strength, metric: undefined, perplexity: undefined, texts: [] }
    if (metric) {
      const measuring = new Measuring(steered, metric, rest)
      let sum = 0
      for (const prompt of promptRows.ids.keys()) sum += await measuring.value(promptRows, prompt, clean[prompt])
      row.metric = sum / promptRows.ids.length
    }
    if (ordinary) row.perplexity = await perplexityOf(steered, ordinary, rest)
    if (maxNewTokens > 0)
      for (const [prompt, ids] of promptRows.ids.entries()) {
        const own = ids.filter((_, position) => promptRows.mask[prompt][position])
        const { ids: all } = await steered.model.generate([own], {
          ...{ maxNewTokens, doSample: false },
          ...(rest.signal ? { signal: rest.signal } : {}),
          ...(rest.backend ? { backend: rest.backend } : {}),
        })
        const [written] = all.tolist() as number[][]
        row.texts.push(steered.text(written.slice(own.length).map(Number)))
      }
    return row
  }
  const rows: SteeredRow[] = []
  for (const strength of strengths) rows.push(await sweep.step(`strength ${strength}`, () => steer(strength)))
  return new SteeringSweep(rows, metric?.name)
}

/** A number by which another model is recognised if there is no metric. */
const largestLogit: Metric = {
  name: 'largest logit',
  measure: logits => logits.select(1, -1).topk(1).values.squeeze(-1),
}

/** exp of the mean loss of all tokens except each text's first one. */
async function perplexityOf(studied: StudiedModel, texts: Prompts, options: TraceOptions): Promise<number> {
  let [sum, tokens] = [0, 0]
  for (const [row, mask] of texts.mask.entries()) {
    const first = mask.indexOf(true)
    const count = mask.filter(Boolean).length - 1
    const measuring = new Measuring(studied, loss({ from: first, to: first + count }), options)
    sum += count * (await measuring.value(texts, row, undefined))
    tokens += count
  }
  return Math.exp(sum / tokens)
}

interface SteeredRow {
  readonly strength: number
  metric: number | undefined
  perplexity: number | undefined
  readonly texts: string[]
}

/** The results of each strength. */
export class SteeringSweep extends StudyResult {
  /** `strength`. */
  readonly axes: readonly LabelledAxis[]
  /** The strengths, in order. */
  readonly strengths: readonly number[]
  /** The mean metric over the prompts: float32 `[strength]`; undefined without a metric. */
  readonly metric: Tensor | undefined
  /** The perplexity on the texts: float32 `[strength]`; undefined without texts. */
  readonly perplexity: Tensor | undefined
  /** The text that the model writes after each prompt: `texts[strength][prompt]`. */
  readonly texts: readonly (readonly string[])[]
  readonly #name: string | undefined

  constructor(rows: readonly SteeredRow[], metric: string | undefined) {
    super()
    this.strengths = rows.map(({ strength }) => strength)
    this.axes = [{ name: 'strength', labels: this.strengths.map(String) }]
    const all = (values: readonly (number | undefined)[]): Tensor | undefined =>
      values.includes(undefined) ? undefined : labelled(tensor(values as number[]), this.axes)
    this.metric = all(rows.map(row => row.metric))
    this.perplexity = all(rows.map(row => row.perplexity))
    this.texts = rows.map(({ texts }) => texts)
    this.#name = metric
  }

  #numbers(): { readonly name: string; readonly values: readonly number[] }[] {
    const of = (name: string, values: Tensor | undefined) =>
      values ? [{ name, values: values.tolist() as number[] }] : []
    return [...of(this.#name ?? 'metric', this.metric), ...of('perplexity', this.perplexity)]
  }

  table(): Table {
    const numbers = this.#numbers()
    const hasTexts = this.texts.some(texts => texts.length > 0)
    return {
      title: 'Steering',
      corner: 'strength',
      columns: [...numbers.map(({ name }) => name), ...(hasTexts ? ['continuation'] : [])],
      rows: this.strengths.map((strength, i) => ({
        label: String(strength),
        cells: [
          ...numbers.map(({ values }) => short(values[i])),
          ...(hasTexts ? [visible(this.texts[i][0] ?? '')] : []),
        ],
      })),
      notes: this.texts[0].length > 1 ? ['The continuation is that of the first prompt.'] : [],
    }
  }

  protected chart(): Chart {
    const numbers = this.#numbers()
    const shown =
      numbers.length > 0 ? numbers : [{ name: 'continuations', values: this.texts.map(texts => new Set(texts).size) }]
    return beside(
      shown.map(({ name, values }) =>
        lines({
          title: `Steering: ${name}`,
          across: { name: 'strength', values: this.strengths },
          series: [{ name, values }],
          measure: name,
        }),
      ),
    )
  }
}
