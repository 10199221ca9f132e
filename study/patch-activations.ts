import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { tensor } from '../runtime/tensor/functions.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import type { Metric } from './metrics.ts'
import { checkPairs } from './model/pairs.ts'
import { realPositions } from './model/real-positions.ts'
import { type Prompts, StudiedModel, type Vocabulary } from './model/studied-model.ts'
import { bars, type Chart, heatMap } from './pictures/chart.ts'
import { type LabelledAxis, labelled, numbered } from './results/axes.ts'
import { StudyResult } from './results/result.ts'
import { short, type Table, visible } from './results/table.ts'
import { Measuring } from './sweeps/measuring.ts'
import { headCounts, isHeadPart, type Part, parts, siteOf, wordsFor } from './sweeps/sites.ts'
import { SWEEP_OPTIONS, Sweep, type SweepOptions, traceOptionsOf } from './sweeps/sweep.ts'
import { batchSize, type Masks, masksAlong, measureVariants } from './sweeps/variants.ts'

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
  } = knownOptions('patchActivations()', options, [
    'clean',
    'corrupted',
    'metric',
    'part',
    'by',
    'layers',
    'batch',
    'vocabulary',
    ...SWEEP_OPTIONS,
  ])
  if (!parts.includes(part))
    throw new ArgumentError(
      `patchActivations: there is no part ${JSON.stringify(part)}.`,
      undefined,
      `use one of ${parts.join(', ')}`,
    )
  const rest = traceOptionsOf(sweeping)
  const studied = new StudiedModel('patchActivations', model, vocabulary)
  const [clean, corrupted] = [studied.prompts(cleanInputs), studied.prompts(corruptedInputs)]
  checkPairs(studied, clean, corrupted)
  const measuring = new Measuring(studied, metric, rest)
  const sizes = await studied.sizes(clean)
  const layers = studied.layersOf(chosen, sizes.layers)
  const counts = await headCounts(studied, part, clean, sizes.heads)
  const variants = layers.map(layer => variantsOf(studied, part, by, corrupted, counts[layer]))
  const { name, places } = variants[0]
  const rows = await batchSize(studied, corrupted, places.length, batch)
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
  /** The token at a position, or both tokens if the prompts have different ones. */
  const label = (position: number): string => {
    const [a, b] = [clean, corrupted].map(({ ids }) => studied.token(ids[0][position]))
    return a === b ? a : `${visible(a)}/${visible(b)}`
  }
  const labels = name === 'token' && pairs === 1 ? places.map(label) : places.map(String)
  return new PatchedActivations({
    part,
    metric: measuring.name,
    axes: [{ name: 'layer', labels: layers.map(String) }, ...(name === undefined ? [] : [{ name, labels }])],
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

/** The elements that each variant of a layer replaces. @throws StudyError, ArgumentError */
export function variantsOf(
  studied: StudiedModel,
  part: Part,
  by: PatchOptions['by'],
  { ids, mask }: Prompts,
  heads: number,
): { readonly masks: Masks; readonly name: string | undefined; readonly places: readonly number[] } {
  const tokens = ids[0].length
  if (!isHeadPart(part)) {
    if (by === 'layer') return { masks: masksAlong([1, 1], 0, undefined), name: undefined, places: [0] }
    if (ids.some(({ length }) => length !== tokens))
      throw studied.error(
        `the pairs have ${ids.map(({ length }) => length).join(', ')} tokens, and positions have no counterpart.`,
        "give pairs of one length, or patch whole layers: by: 'layer'",
      )
    // These are the positions that are tokens in any of the prompts.
    const places = realPositions(mask[0].map((_, position) => mask.some(row => row[position])))
    return { masks: masksAlong([tokens, 1], 0, places), name: 'token', places }
  }
  if (by === 'position')
    throw studied.error(
      `by: 'position' goes with the residual stream, attentions and MLPs.`,
      'leave `by` out for heads',
    )
  if (heads === 0)
    throw studied.error('a layer has no heads that are known.', 'choose other `layers`, or another `part`')
  const places = Array.from({ length: heads }, (_, head) => head)
  const dims = part === 'pattern' ? [heads, 1, 1] : [1, heads, 1]
  return { masks: masksAlong(dims, part === 'pattern' ? 0 : 1, places), name: 'head', places }
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
