import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { tensor } from '../runtime/tensor/functions.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import type { Metric } from './metrics.ts'
import type { Vocabulary } from './model/studied-model.ts'
import { bars, type Chart, heatMap } from './pictures/chart.ts'
import { type LabelledAxis, labelled, numbered } from './results/axes.ts'
import { StudyResult } from './results/result.ts'
import { short, type Table, visible } from './results/table.ts'
import { openPatching, PATCHED_OPTIONS } from './sweeps/patching.ts'
import { type Part, siteOf, wordsFor } from './sweeps/sites.ts'
import { SWEEP_OPTIONS, Sweep, type SweepOptions, traceOptionsOf } from './sweeps/sweep.ts'
import { batchSize, measureVariants } from './sweeps/variants.ts'

/** Options of `patchActivations()`. */
export interface PatchOptions extends SweepOptions {
  /** The prompts whose activations are taken, in any form that `trace()` takes. */
  readonly clean: Inputs
  /** The prompts into whose runs they are put: as many, with the same lengths. */
  readonly corrupted: Inputs
  /** The metric that is measured: `logitDifference(' Paris', ' Rome')`, `probability(id)`, `divergence()`, or a metric of your own. */
  readonly metric: Metric
  /**
   * The activations that are taken: the residual stream that enters a layer; the result of its attention or MLP; or, for each head, its mix of
   * values (`head`), its queries, keys, values or pattern. @default 'residual'
   */
  readonly part?: Part
  /** Whether there is one patch for each layer and position, or one for each layer. Heads are patched at all positions. @default 'position' */
  readonly by?: 'position' | 'layer'
  /** The layers that are patched, from 0. @default all */
  readonly layers?: readonly number[]
  /** The number of rows in one run. @default as many as make some thousand tokens */
  readonly batch?: number
  /** Texts of the tokens, by id. */
  readonly vocabulary?: Vocabulary
}

/**
 * Activation patching: the activations of the clean run are put into the corrupted run, one after the other, and the metric says how much of
 * the clean behaviour each of them brings back. Several pairs of prompts are patched one by one, and the result is their mean.
 *
 * Patches of one layer run as rows of one batch, and the layers before it do not run again.
 *
 * Sources: Vig et al. 2020 (arXiv:2004.12265), Meng et al. 2022 (arXiv:2202.05262); TransformerLens' `patching.get_act_patch_resid_pre`,
 * `get_act_patch_attn_out`, `get_act_patch_mlp_out`, `get_act_patch_attn_head_out_all_pos`; Heimersheim and Nanda 2024 (arXiv:2404.15255) on how to read it.
 *
 * @throws StudyError for prompts of different lengths, a part that the model does not have, or a metric that gives no number for each row;
 * InputError, ArgumentError
 * @example
 * const patched = await patchActivations(model, { clean, corrupted, metric: logitDifference(58, 1) })
 * console.log(patched)
 * await (await patched.plot()).save('patching.svg')
 */
export async function patchActivations(model: Model, options: PatchOptions): Promise<PatchedActivations> {
  const {
    clean: cleanInputs,
    corrupted: corruptedInputs,
    metric,
    part = 'residual',
    by,
    layers: chosen,
    batch,
    vocabulary,
    ...sweeping
  } = knownOptions('patchActivations()', options, [...PATCHED_OPTIONS, 'batch', ...SWEEP_OPTIONS])
  const { studied, clean, corrupted, measuring, layers, variants, axes } = await openPatching(
    'patchActivations',
    model,
    { clean: cleanInputs, corrupted: corruptedInputs, metric, part, by, layers: chosen, vocabulary },
    traceOptionsOf(sweeping),
  )
  const rows = await batchSize(studied, corrupted, variants[0].places.length, batch)
  const pairs = corrupted.ids.length
  const what = { part, by: by ?? null, metric: measuring.name, clean: clean.ids, corrupted: corrupted.ids }
  const sweep = await Sweep.open<number[]>(studied, sweeping, what, pairs * layers.length)
  const means = variants.map(({ places }) => places.map(() => 0))
  let [before, after] = [0, 0]
  for (let prompt = 0; prompt < pairs; prompt++) {
    const kept = await measuring.clean(clean, prompt, () => layers.map(layer => siteOf(studied, part, layer).read()))
    before += kept.value / pairs
    await sweep.check(`clean ${measuring.name} of pair ${prompt}`, kept.value)
    after += (await measuring.value(corrupted, prompt, kept.logits)) / pairs
    for (const [i, layer] of layers.entries()) {
      const measured = await sweep.step(`pair ${prompt}, layer ${layer}`, () =>
        measureVariants(measuring, {
          prompts: corrupted,
          prompt,
          site: () => siteOf(studied, part, layer),
          replacement: kept.states[i],
          masks: variants[i].masks,
          clean: kept.logits,
          rows,
        }),
      )
      for (const [j, value] of measured.entries()) means[i][j] += value / pairs
    }
  }
  return new PatchedActivations({
    part,
    metric: measuring.name,
    axes,
    values: means,
    clean: before,
    corrupted: after,
  })
}

/** The measured numbers of a sweep. */
interface Patched {
  readonly part: Part
  readonly metric: string
  readonly axes: readonly LabelledAxis[]
  readonly values: readonly (readonly number[])[]
  readonly clean: number
  readonly corrupted: number
}

/** How much of the clean behaviour each patch brings back: the result of `patchActivations()`. */
export class PatchedActivations extends StudyResult {
  /** The metric of each patched run: float32, by `axes`. */
  readonly values: Tensor
  /** The share that comes back: (value − corrupted) / (clean − corrupted). 0 is the corrupted run, 1 the clean one. */
  readonly recovered: Tensor
  /** `layer`, and `token` or `head`, unless one patch replaces all of them. */
  readonly axes: readonly LabelledAxis[]
  /** The metric of the clean run. */
  readonly clean: number
  /** The metric of the corrupted run. */
  readonly corrupted: number
  readonly #patched: Patched

  constructor(patched: Patched) {
    super()
    const { axes, values, clean, corrupted } = patched
    const shares = values.map(row => row.map(value => (value - corrupted) / (clean - corrupted)))
    this.axes = axes
    const table = (rows: readonly (readonly number[])[]): Tensor =>
      labelled(tensor(axes.length === 1 ? rows.map(([value]) => value) : rows.map(row => [...row])), axes)
    this.values = table(values)
    this.recovered = table(shares)
    this.clean = clean
    this.corrupted = corrupted
    this.#patched = patched
  }

  #rows(): number[][] {
    const nested = this.recovered.tolist() as number[] | number[][]
    return this.axes.length === 1 ? (nested as number[]).map(share => [share]) : (nested as number[][])
  }

  #title(): string {
    return `Patching ${wordsFor[this.#patched.part]}: how much of the clean ${this.#patched.metric} comes back`
  }

  table(): Table {
    return {
      title: this.#title(),
      corner: 'layer',
      columns: this.axes[1]?.labels ?? ['all positions'],
      rows: this.#rows().map((row, i) => ({ label: this.axes[0].labels[i], cells: row.map(short) })),
      notes: [
        `${this.#patched.metric}: ${short(this.corrupted)} in the corrupted run (0 in the table), ${short(this.clean)} in the clean one (1).`,
      ],
    }
  }

  protected chart(): Chart {
    const subtitle = `0 is the corrupted run (${short(this.corrupted)}), 1 the clean one (${short(this.clean)})`
    const [layers, across = numbered('token', 1)] = this.axes
    const title = this.#title()
    if (this.axes.length === 1)
      return bars({
        title,
        subtitle,
        name: 'layer',
        labels: layers.labels,
        values: this.#rows().flat(),
        measure: 'share that comes back',
      })
    return heatMap({
      title,
      subtitle,
      across: { name: across.name, labels: across.labels.map(visible) },
      down: layers,
      values: this.#rows(),
      measure: 'share that comes back',
    })
  }
}
