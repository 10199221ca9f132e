import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { tensor } from '../runtime/tensor/functions.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import type { TraceOptions } from '../runtime/tracing/tracer.ts'
import type { Metric, MetricContext } from './metrics.ts'
import { type Prompts, StudiedModel, type Vocabulary } from './model/studied-model.ts'
import { bars, type Chart, heatMap } from './pictures/chart.ts'
import { type LabelledAxis, labelled, numbered } from './results/axes.ts'
import { StudyResult } from './results/result.ts'
import { short, type Table, visible } from './results/table.ts'
import { rowsOf } from './sweeps/prompt-rows.ts'
import { type Part, siteOf } from './sweeps/sites.ts'
import { batchSize, measuredRows, measureVariants } from './sweeps/variants.ts'

/** What `patchActivations()` takes. */
export interface PatchOptions extends TraceOptions {
  /** The prompts whose activations are taken: what `trace()` takes. */
  readonly clean: Inputs
  /** The prompts that run with them: as many, of the same lengths. */
  readonly corrupted: Inputs
  /** What is measured: `logitDifference(' Paris', ' Rome')`, `probability(id)`, `divergence()`, or a metric of your own. */
  readonly metric: Metric
  /** What is taken: the residual stream that enters a layer, or what its attention or MLP adds to it. @default 'residual' */
  readonly part?: Part
  /** One patch for each layer and position, or one for each layer with all its positions. @default 'position' */
  readonly by?: 'position' | 'layer'
  /** Layers, from 0. @default all */
  readonly layers?: readonly number[]
  /** Rows of one run. @default as many as make some thousand tokens */
  readonly batch?: number
  /** Texts of the tokens, by id. */
  readonly vocabulary?: Vocabulary
  /** Told after each layer. */
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * Activation patching: each activation of the clean run, one after the other, is put into the corrupted run, and the metric says how much of
 * the clean behaviour comes back. Several pairs of prompts are patched one by one, and the metric is their mean.
 *
 * Patches of one layer run as rows of one batch, and what lies before the layer is not run again.
 *
 * Sources: Vig et al. 2020 (arXiv:2004.12265), Meng et al. 2022 (arXiv:2202.05262); TransformerLens' `patching.get_act_patch_resid_pre`,
 * `get_act_patch_attn_out`, `get_act_patch_mlp_out`; Heimersheim and Nanda 2024 (arXiv:2404.15255) on how to read it.
 *
 * @throws StudyError for prompts of different lengths, a part that the model does not have, or a metric that gives no number for each row;
 * InputError, ArgumentError
 * @example
 * const patched = await patchActivations(model, { clean, corrupted, metric: logitDifference(58, 1) })
 * console.log(patched)
 * await (await patched.plot()).save('patching.svg')
 */
export async function patchActivations(model: Model, options: PatchOptions): Promise<PatchedActivations> {
  const { clean, corrupted, metric, part, by, layers, batch, vocabulary, onProgress, ...rest } = knownOptions(
    'patchActivations()',
    options,
    [
      ...['clean', 'corrupted', 'metric', 'part', 'by', 'layers', 'batch', 'vocabulary', 'onProgress'],
      ...['backend', 'signal', 'onReport'],
    ],
  )
  const study = new StudiedModel('patchActivations', model, vocabulary)
  const pairs = new Pairs(study, study.prompts(clean), study.prompts(corrupted), metric, rest)
  return new PatchedActivations(
    await pairs.patched({ part: part ?? 'residual', by: by ?? 'position', layers, batch, onProgress }),
  )
}

interface Sweep extends Pick<PatchOptions, 'layers' | 'batch' | 'onProgress'> {
  readonly part: Part
  readonly by: 'position' | 'layer'
}

/** The numbers of a patching sweep. */
interface Patched {
  readonly part: Part
  readonly metric: string
  readonly axes: readonly LabelledAxis[]
  readonly values: readonly (readonly number[])[]
  readonly clean: number
  readonly corrupted: number
}

/** Clean and corrupted prompts, with their runs. */
class Pairs {
  readonly #studied: StudiedModel
  readonly #clean: Prompts
  readonly #corrupted: Prompts
  readonly #metric: Metric
  readonly #options: TraceOptions

  constructor(studied: StudiedModel, clean: Prompts, corrupted: Prompts, metric: Metric, options: TraceOptions) {
    this.#studied = studied
    this.#clean = clean
    this.#corrupted = corrupted
    this.#metric = metric
    this.#options = options
    if (typeof metric?.measure !== 'function')
      throw new ArgumentError(
        'patchActivations: the metric has no function measure.',
        undefined,
        'give one of logitDifference(…), probability(…), divergence(), or { name, measure }',
      )
    const lengths = ({ ids, mask }: Prompts) => ids.map((_, row) => mask[row].filter(Boolean).length)
    const [a, b] = [lengths(clean), lengths(corrupted)]
    if (String(a) !== String(b) || clean.ids[0].length !== corrupted.ids[0].length)
      throw studied.error(
        `the clean prompts have ${a.join(', ')} tokens, and the corrupted ones ${b.join(', ')}.`,
        'write pairs of prompts with as many tokens each, so that each position has its counterpart',
      )
  }

  async patched({ part, by, layers: chosen, batch, onProgress }: Sweep): Promise<Patched> {
    const { ids, mask } = this.#corrupted
    const count = (await this.#studied.model.scan(
      this.#clean.inputs,
      () => this.#studied.lens().layers.length,
    )) as number
    const layers = chosen ?? Array.from({ length: count }, (_, layer) => layer)
    const wrong = layers.find(layer => !Number.isSafeInteger(layer) || layer < 0 || layer >= count)
    if (wrong !== undefined)
      throw this.#studied.error(`there is no layer ${wrong}.`, `give numbers from 0 to ${count - 1}`)
    const shown = by === 'layer' ? [undefined] : positionsOf(mask)
    const width = ids[0].length
    const masks = shown.map(position =>
      Uint8Array.from({ length: width }, (_, p) => (position === undefined || p === position ? 1 : 0)),
    )
    const rows = await batchSize(this.#studied, this.#corrupted, masks.length, batch)
    const sums = layers.map(() => shown.map(() => 0))
    let [clean, corrupted] = [0, 0]
    for (let prompt = 0; prompt < ids.length; prompt++) {
      const kept = await this.#keep(part, layers, prompt)
      clean += kept.value / ids.length
      corrupted += kept.corrupted / ids.length
      for (const [i, layer] of layers.entries()) {
        const measured = await measureVariants(
          this.#studied,
          {
            prompts: this.#corrupted,
            prompt,
            site: () => siteOf(this.#studied, part, layer),
            replacement: kept.states[i],
            masks,
            maskDims: [width, 1],
            metric: this.#metric,
            context: this.#context(prompt, this.#corrupted, kept.logits),
            rows,
          },
          this.#options,
        )
        measured.forEach((value, j) => {
          sums[i][j] += value / ids.length
        })
        onProgress?.(prompt * layers.length + i + 1, ids.length * layers.length)
      }
    }
    const labels = ids.length === 1 ? shown.map(p => this.#label(p!)) : shown.map(String)
    return {
      part,
      metric: this.#metric.name,
      axes: [{ name: 'layer', labels: layers.map(String) }, ...(by === 'layer' ? [] : [{ name: 'token', labels }])],
      values: sums,
      clean,
      corrupted,
    }
  }

  /** The clean run: its activations and its metric; and the metric of the corrupted run. */
  async #keep(part: Part, layers: readonly number[], prompt: number) {
    let wantsLogits = false
    const own = await this.#studied.model.trace(rowsOf(this.#clean, prompt, 1), this.#options, () => {
      const logits = this.#studied.read(this.#studied.lens().logits).to('float32')
      const asked = () => {
        wantsLogits = true
        return logits
      }
      const value = measuredRows(this.#studied, this.#metric, this.#context(prompt, this.#clean, asked))
      const states = layers.map(layer => siteOf(this.#studied, part, layer).read())
      return { states, value, logits: wantsLogits ? logits : undefined }
    })
    const corrupted = await this.#studied.model.trace(rowsOf(this.#corrupted, prompt, 1), this.#options, () =>
      measuredRows(this.#studied, this.#metric, this.#context(prompt, this.#corrupted, own.logits)),
    )
    return { ...own, value: Number(own.value.tolist() as number[]), corrupted: Number(corrupted.tolist() as number[]) }
  }

  #context(prompt: number, of: Prompts, clean: Tensor | (() => Tensor) | undefined): MetricContext {
    const studied = this.#studied
    return {
      ids: of.ids[prompt],
      prompt,
      get clean() {
        const logits = typeof clean === 'function' ? clean() : clean
        if (!logits)
          throw studied.error(
            'the metric asks for the clean logits in one run only.',
            'ask for context.clean in every run',
          )
        return logits
      },
      idOf: answer => studied.answer(answer),
    }
  }

  /** A token where both prompts have it, or else both. */
  #label(position: number): string {
    const [a, b] = [this.#clean, this.#corrupted].map(({ ids }) => this.#studied.token(ids[0][position]))
    return a === b ? a : `${visible(a)}/${visible(b)}`
  }
}

/** Positions that hold a token in any prompt. */
function positionsOf(mask: readonly (readonly boolean[])[]): number[] {
  return mask[0].flatMap((_, position) => (mask.some(row => row[position]) ? [position] : []))
}

/** How much of the clean behaviour each patch brings back. */
export class PatchedActivations extends StudyResult {
  /** The metric of each patched run: float32, by `axes`. */
  readonly values: Tensor
  /** The share that comes back: (value − corrupted) / (clean − corrupted). 0 is the corrupted run, 1 the clean one. */
  readonly recovered: Tensor
  /** `layer`, and `token` unless one patch takes all of them. */
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
    const what = { residual: 'the residual stream', attention: 'the attention’s output', mlp: 'the MLP’s output' }
    return `Patching ${what[this.#patched.part]}: how much of the clean ${this.#patched.metric} comes back`
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
    const [layers, positions = numbered('token', 1)] = this.axes
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
      across: { name: 'token', labels: positions.labels.map(visible) },
      down: layers,
      values: this.#rows(),
      measure: 'share that comes back',
    })
  }
}
