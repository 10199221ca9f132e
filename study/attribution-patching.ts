import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { tensor } from '../runtime/tensor/functions.ts'
import { grad } from '../runtime/tensor/ops/gradient.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import { TRACE_OPTIONS, type TraceOptions } from '../runtime/tracing/tracer.ts'
import { type PatchedActivations, type PatchOptions, patchActivations } from './patch-activations.ts'
import { bars, type Chart, heatMap } from './pictures/chart.ts'
import { type LabelledAxis, labelled, numbered } from './results/axes.ts'
import { StudyResult } from './results/result.ts'
import { short, type Table, visible } from './results/table.ts'
import { openPatching, PATCHED_OPTIONS } from './sweeps/patching.ts'
import { isHeadPart, type Part, siteOf, wordsFor } from './sweeps/sites.ts'

/** Options of `attributionPatching()`. */
export interface AttributionPatchingOptions
  extends TraceOptions,
    Pick<PatchOptions, 'clean' | 'corrupted' | 'metric' | 'part' | 'by' | 'layers' | 'vocabulary'> {
  /** Whether to patch each place too, and to say how far the estimates are from that. It costs as many runs as `patchActivations`. @default false */
  readonly compare?: boolean
}

/**
 * Attribution patching: an estimate of activation patching, for all places of all layers from one run of each prompt and one backward pass.
 * What a patch does to the metric is estimated to first order: the difference of the activations, clean minus corrupted, times the metric's
 * gradient in the corrupted run. It is exact where the metric is linear in the activation. On several pairs of prompts, the result is the mean.
 *
 * Sources: Nanda 2023, "Attribution Patching: Activation Patching At Industrial Scale"; Syed et al. 2023 (arXiv:2310.10348); Kramár et al. 2024
 * (arXiv:2403.00745) on where it fails: compare the best places with true patching.
 *
 * @throws StudyError for prompts of different lengths, or a part that the model does not have; InputError, ArgumentError;
 * NotDifferentiableError for an operator without a gradient
 * @example
 * const estimated = await attributionPatching(model, { clean, corrupted, metric: logitDifference(58, 1), compare: true })
 * console.log(estimated, estimated.correlation)
 */
export async function attributionPatching(
  model: Model,
  options: AttributionPatchingOptions,
): Promise<AttributedPatches> {
  const {
    clean: cleanInputs,
    corrupted: corruptedInputs,
    metric,
    part = 'residual',
    by,
    layers: chosen,
    vocabulary,
    compare = false,
    ...rest
  } = knownOptions('attributionPatching()', options, [...PATCHED_OPTIONS, 'compare', ...TRACE_OPTIONS])
  const { studied, clean, corrupted, measuring, layers, variants, axes } = await openPatching(
    'attributionPatching',
    model,
    { clean: cleanInputs, corrupted: corruptedInputs, metric, part, by, layers: chosen, vocabulary },
    rest,
  )
  const [{ name, places }] = variants
  const sites = () => layers.map(layer => siteOf(studied, part, layer).read())
  const pairs = corrupted.ids.length
  const means = layers.map(() => places.map(() => 0))
  let [before, after] = [0, 0]
  for (let prompt = 0; prompt < pairs; prompt++) {
    const kept = await measuring.clean(clean, prompt, sites)
    before += kept.value / pairs
    const { estimates, value } = await measuring.trace(corrupted, prompt, 1, () => {
      const own = sites()
      const value = measuring.rows(corrupted, prompt, kept.logits).sum()
      const estimates = grad(value, own).map((gradient, i) => {
        const moved = kept.states[i].to('float32').sub(own[i].to('float32'))
        return perPlace(moved.mul(gradient.to('float32')), part, name)
      })
      return { estimates, value }
    })
    after += Number(value.item()) / pairs
    for (const [i, estimate] of estimates.entries()) {
      const numbers = [estimate.tolist()].flat() as number[]
      for (const [j, place] of places.entries()) means[i][j] += numbers[name === undefined ? 0 : place] / pairs
    }
  }
  const patched = compare
    ? await patchActivations(model, {
        ...{ clean: cleanInputs, corrupted: corruptedInputs, metric, part, layers, ...rest },
        ...(by === undefined ? {} : { by }),
        ...(vocabulary === undefined ? {} : { vocabulary }),
      })
    : undefined
  return new AttributedPatches({
    part,
    metric: measuring.name,
    axes,
    effects: means,
    clean: before,
    corrupted: after,
    patched,
  })
}

/** The sums of a place's products `[row, …]` over the elements of each patch. */
function perPlace(products: Tensor, part: Part, name: string | undefined): Tensor {
  if (name === undefined) return products.sum()
  const axis = name === 'head' && part !== 'pattern' ? 2 : 1
  const others = products.dims.map((_, i) => i).filter(i => i !== axis)
  return isHeadPart(part) || name === 'token' ? products.sum(others) : products.sum()
}

interface Attributed {
  readonly part: Part
  readonly metric: string
  readonly axes: readonly LabelledAxis[]
  readonly effects: readonly (readonly number[])[]
  readonly clean: number
  readonly corrupted: number
  readonly patched: PatchedActivations | undefined
}

/** How much of the clean behaviour each patch is estimated to bring back: the result of `attributionPatching()`. */
export class AttributedPatches extends StudyResult {
  /** `layer`, and `token` or `head`, unless one patch replaces all of them. */
  readonly axes: readonly LabelledAxis[]
  /** How far each patch is estimated to move the metric of the corrupted run: float32, by `axes`. */
  readonly effects: Tensor
  /** The estimated share that comes back: effect / (clean − corrupted). 0 is the corrupted run, 1 the clean one. */
  readonly recovered: Tensor
  /** The metric of the clean run. */
  readonly clean: number
  /** The metric of the corrupted run. */
  readonly corrupted: number
  /** True patching of the same places, with `compare`. */
  readonly patched: PatchedActivations | undefined
  readonly #attributed: Attributed

  constructor(attributed: Attributed) {
    super()
    const { axes, effects, clean, corrupted, patched } = attributed
    this.axes = axes
    const table = (rows: readonly (readonly number[])[]): Tensor =>
      labelled(tensor(axes.length === 1 ? rows.map(([value]) => value) : rows.map(row => [...row])), axes)
    this.effects = table(effects)
    this.recovered = table(effects.map(row => row.map(value => value / (clean - corrupted))))
    this.clean = clean
    this.corrupted = corrupted
    this.patched = patched
    this.#attributed = attributed
  }

  /** The mean distance between estimated and true effects, as a share of the mean size of the true ones; undefined without `compare`. */
  get error(): number | undefined {
    const pairs = this.#pairs()
    if (!pairs) return undefined
    const sizes = pairs.reduce((sum, [, due]) => sum + Math.abs(due), 0)
    return pairs.reduce((sum, [estimate, due]) => sum + Math.abs(estimate - due), 0) / sizes
  }

  /** The correlation (Pearson) of estimated and true effects over all places; undefined without `compare`. */
  get correlation(): number | undefined {
    const pairs = this.#pairs()
    if (!pairs) return undefined
    const mean = (i: 0 | 1): number => pairs.reduce((sum, pair) => sum + pair[i], 0) / pairs.length
    const [a, b] = [mean(0), mean(1)]
    const product = (i: 0 | 1, j: 0 | 1): number =>
      pairs.reduce((sum, pair) => sum + (pair[i] - (i ? b : a)) * (pair[j] - (j ? b : a)), 0)
    return product(0, 1) / Math.sqrt(product(0, 0) * product(1, 1))
  }

  /** The estimated and the true effect of each patch. */
  #pairs(): (readonly [number, number])[] | undefined {
    const values = this.patched && ([this.patched.values.tolist()].flat(2) as number[])
    const flat = this.#attributed.effects.flat()
    return values?.map((value, i) => [flat[i], value - this.corrupted] as const)
  }

  #rows(): number[][] {
    const nested = this.recovered.tolist() as number[] | number[][]
    return this.axes.length === 1 ? (nested as number[]).map(share => [share]) : (nested as number[][])
  }

  #title(): string {
    const { part, metric } = this.#attributed
    return `Attribution patching of ${wordsFor[part]}: how much of the clean ${metric} is estimated to come back`
  }

  #notes(): string[] {
    const { metric } = this.#attributed
    const runs = `${metric}: ${short(this.corrupted)} in the corrupted run (0 in the table), ${short(this.clean)} in the clean one (1).`
    if (this.error === undefined || this.correlation === undefined) return [runs]
    return [
      runs,
      `Against true patching: mean error ${(100 * this.error).toFixed(0)} % of the mean effect, correlation ${this.correlation.toFixed(2)}.`,
    ]
  }

  table(): Table {
    return {
      title: this.#title(),
      corner: 'layer',
      columns: this.axes[1]?.labels ?? ['all positions'],
      rows: this.#rows().map((row, i) => ({ label: this.axes[0].labels[i], cells: row.map(short) })),
      notes: this.#notes(),
    }
  }

  protected chart(): Chart {
    const [layers, across = numbered('token', 1)] = this.axes
    const title = this.#title()
    const subtitle = this.#notes().join(' ')
    const measure = 'estimated share that comes back'
    if (this.axes.length === 1)
      return bars({ title, subtitle, name: 'layer', labels: layers.labels, values: this.#rows().flat(), measure })
    const { name, labels } = across
    return heatMap({
      ...{ title, subtitle, measure },
      across: { name, labels: labels.map(visible) },
      down: layers,
      values: this.#rows(),
    })
  }
}
