import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { tensor } from '../runtime/tensor/functions.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import type { TraceOptions } from '../runtime/tracing/tracer.ts'
import type { Metric } from './metrics.ts'
import { type Prompts, StudiedModel } from './model/studied-model.ts'
import { bars, type Chart, heatMap } from './pictures/chart.ts'
import { byHead, type LabelledAxis, labelled, numbered } from './results/axes.ts'
import { StudyResult } from './results/result.ts'
import { short, type Table } from './results/table.ts'
import { Measuring } from './sweeps/measuring.ts'
import { layersWith, layersWithHeads, siteOf, wordsFor } from './sweeps/sites.ts'
import { SWEEP_OPTIONS, Sweep, type SweepOptions, traceOptionsOf } from './sweeps/sweep.ts'
import { batchSize, masksAlong, masksOfHeads, measureVariants } from './sweeps/variants.ts'

/** The value that replaces an ablated part. */
export type Ablation = 'zero' | 'mean' | 'resample'

/** Options of `ablate()`. */
export interface AblateOptions extends SweepOptions {
  /** The metric that is measured without each part. */
  readonly metric: Metric
  /** The parts that are ablated: each head's mix of values, each layer's attention, or each layer's MLP. @default 'head' */
  readonly part?: 'head' | 'attention' | 'mlp'
  /**
   * The value that replaces a part: `zero`; `mean`, its mean over all tokens of the prompts `over`; `resample`, its value in the run of the
   * prompts `over`, of which there must be as many, with the same lengths. @default 'zero'
   */
  readonly with?: Ablation
  /** The other prompts that `mean` and `resample` need. */
  readonly over?: Inputs
  /** The layers whose parts are ablated, from 0. @default all that have the part */
  readonly layers?: readonly number[]
  /** The number of rows in one run. @default as many as make some thousand tokens */
  readonly batch?: number
}

/**
 * Ablation shows what the model loses without each part: each head, attention or MLP is replaced, one after the other, and the metric is
 * measured. On several prompts, the result is the mean. Heads of one layer run as rows of one batch.
 *
 * Zero ablation asks whether the model needs the part at all. But the model may never have seen a 0 there, so the mean, or the value on
 * another prompt (resample), often says more.
 *
 * Sources: Michel et al. 2019, "Are Sixteen Heads Really Better than One?" (arXiv:1905.10650); Wang et al. 2022 (arXiv:2211.00593) for
 * mean ablation; Chan et al. 2022, "Causal Scrubbing", for resampling.
 *
 * @throws StudyError for a part that no layer has, or `over` that does not fit; InputError, ArgumentError
 * @example console.log(await ablate(model, prompt, { metric: loss() }))
 */
export async function ablate(model: Model, prompt: Inputs, options: AblateOptions): Promise<AblatedParts> {
  const {
    metric,
    part = 'head',
    with: ablation = 'zero',
    over,
    layers: chosen,
    batch,
    ...sweeping
  } = knownOptions('ablate()', options, [
    'metric',
    'part',
    'with',
    'over',
    'layers',
    'batch',
    ...SWEEP_OPTIONS,
  ]) as AblateOptions
  if (!['head', 'attention', 'mlp'].includes(part))
    throw new ArgumentError(
      `ablate: there is no part ${JSON.stringify(part)}.`,
      undefined,
      'use head, attention or mlp',
    )
  if (!['zero', 'mean', 'resample'].includes(ablation))
    throw new ArgumentError(`ablate: with is ${JSON.stringify(ablation)}.`, undefined, 'use zero, mean or resample')
  const rest = traceOptionsOf(sweeping)
  const studied = new StudiedModel('ablate', model, undefined)
  const prompts = await studied.prompts(prompt)
  const measuring = new Measuring(studied, metric, rest)
  const { layers: count, heads } = await studied.sizes(prompts)
  const having = part === 'head' ? layersWithHeads(heads) : await layersWith(studied, part, prompts)
  const layers = chosen === undefined ? having : studied.layersOf(chosen, count)
  const lacking = layers.find(layer => !having.includes(layer))
  if (layers.length === 0 || lacking !== undefined)
    throw studied.error(
      `layer ${lacking ?? 0} has no ${part} that is known.`,
      'look at its modules: console.log(String(model))',
    )
  const others = over === undefined ? undefined : await studied.prompts(over)
  checkOver(studied, ablation, prompts, others)
  const means = ablation === 'mean' ? await meansOver(studied, others!, part, layers, rest) : undefined
  const masks = layers.map(layer => (part === 'head' ? masksOfHeads(heads[layer]) : masksAlong([1, 1], 0, undefined)))
  const rows = await batchSize(studied, prompts, masks[0].each.length, batch)
  const what = { part, with: ablation, over: others?.ids ?? null, metric: measuring.name, prompts: prompts.ids }
  const sweep = await Sweep.open<number[]>(studied, sweeping, what, prompts.ids.length * layers.length)
  const values = masks.map(({ each }) => each.map(() => 0))
  let base = 0
  for (let row = 0; row < prompts.ids.length; row++) {
    const clean = await measuring.clean(prompts, row, () => [])
    base += clean.value / prompts.ids.length
    await sweep.check(`${measuring.name} of prompt ${row}`, clean.value)
    const taken =
      ablation === 'resample'
        ? await measuring.trace(others!, row, 1, () => layers.map(layer => siteOf(studied, part, layer).read()))
        : undefined
    for (const [i, layer] of layers.entries()) {
      const measured = await sweep.step(`prompt ${row}, layer ${layer}`, () =>
        measureVariants(measuring, {
          prompts,
          prompt: row,
          site: () => siteOf(studied, part, layer),
          replacement: (means ?? taken)?.[i] ?? tensor(0),
          masks: masks[i],
          clean: clean.logits,
          rows,
        }),
      )
      for (const [j, value] of measured.entries()) values[i][j] += value / prompts.ids.length
    }
  }
  return new AblatedParts(part, ablation, measuring.name, layers, base, values)
}

/** @throws StudyError */
function checkOver(studied: StudiedModel, ablation: Ablation, prompts: Prompts, over: Prompts | undefined): void {
  if (ablation === 'zero') return
  if (!over)
    throw studied.error(
      `${ablation} ablation needs other prompts.`,
      `give them: { with: '${ablation}', over: ['…', '…'] }`,
    )
  const dims = ({ ids }: Prompts): string =>
    `${ids.length} prompts of ${[...new Set(ids.map(row => row.length))].join(', ')} tokens`
  if (ablation === 'resample' && dims(prompts) !== dims(over))
    throw studied.error(
      `resampling replaces values of ${dims(prompts)} by those of ${dims(over)}.`,
      'give as many prompts of the same length, or use the mean',
    )
}

/** The mean of a part over all tokens of some prompts, without padding: `[1, 1, …]` for each layer. */
async function meansOver(
  studied: StudiedModel,
  over: Prompts,
  part: 'head' | 'attention' | 'mlp',
  layers: readonly number[],
  options: TraceOptions,
): Promise<Tensor[]> {
  const counts = over.mask.map(row => row.filter(Boolean).length)
  const total = counts.reduce((sum, count) => sum + count, 0)
  const sums: Tensor[][] = []
  for (const [row, mask] of over.mask.entries())
    sums.push(
      await studied.model.trace(over.alone[row], options, () =>
        layers.map(layer => {
          const value = siteOf(studied, part, layer).read().to('float32')
          return value.narrow(1, mask.indexOf(true), counts[row]).sum([1], { keepdim: true }).div(total)
        }),
      ),
    )
  return Promise.all(
    layers.map((_, i) =>
      sums
        .map(row => row[i])
        .reduce((a, b) => a.add(b))
        .value(),
    ),
  )
}

/** The metric without each part: the result of `ablate()`. */
export class AblatedParts extends StudyResult {
  /** `layer`, and `head` for heads. */
  readonly axes: readonly LabelledAxis[]
  /** The metric without the part: float32, by `axes`. */
  readonly values: Tensor
  /** How far the metric moved: `values` − `base`. */
  readonly effects: Tensor
  /** The metric of the whole model. */
  readonly base: number
  readonly #part: 'head' | 'attention' | 'mlp'
  readonly #with: Ablation
  readonly #metric: string
  readonly #effects: readonly (readonly number[])[]

  constructor(
    part: 'head' | 'attention' | 'mlp',
    ablation: Ablation,
    metric: string,
    layers: readonly number[],
    base: number,
    values: readonly (readonly number[])[],
  ) {
    super()
    this.#part = part
    this.#with = ablation
    this.#metric = metric
    this.base = base
    this.#effects = values.map(row => row.map(value => value - base))
    const heads = part === 'head' ? [numbered('head', byHead(values)[0].length)] : []
    this.axes = [{ name: 'layer', labels: layers.map(String) }, ...heads]
    const table = (rows: readonly (readonly number[])[]): Tensor =>
      labelled(tensor(part === 'head' ? byHead(rows) : rows.flat()), this.axes)
    this.values = table(values)
    this.effects = table(this.#effects)
  }

  #title(): string {
    const how = { zero: 'set to 0', mean: 'set to its mean', resample: 'taken from another prompt' }[this.#with]
    return `How far the ${this.#metric} moves with ${wordsFor[this.#part]} ${how}`
  }

  table(): Table {
    const [layers, heads] = this.axes
    return {
      title: this.#title(),
      corner: 'layer',
      columns: heads ? heads.labels.map(head => `head ${head}`) : [this.#part],
      rows: this.#effects.map((row, i) => ({ label: layers.labels[i], cells: row.map(short) })),
      notes: [`${this.#metric} of the whole model: ${short(this.base)}.`],
    }
  }

  protected chart(): Chart {
    const [layers, heads] = this.axes
    const shared = {
      title: this.#title(),
      subtitle: `${short(this.base)} with all parts`,
      measure: `change of the ${this.#metric}`,
    }
    if (!heads) return bars({ ...shared, name: 'layer', labels: layers.labels, values: this.#effects.flat() })
    return heatMap({ ...shared, across: heads, down: layers, values: byHead(this.#effects) })
  }
}
