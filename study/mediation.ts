import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { tensor } from '../runtime/tensor/functions.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import { TRACE_OPTIONS } from '../runtime/tracing/tracer.ts'
import { StudiedModel } from './model/studied-model.ts'
import { type PatchedActivations, type PatchOptions, patchActivations } from './patch-activations.ts'
import { bars, beside, type Chart, heatMap } from './pictures/chart.ts'
import { type LabelledAxis, labelled } from './results/axes.ts'
import { StudyResult } from './results/result.ts'
import { short, type Table, visible } from './results/table.ts'
import { PATCHED_OPTIONS } from './sweeps/patching.ts'
import { type Part, wordsFor } from './sweeps/sites.ts'

/** Options of `mediationEffects()`: those of `patchActivations()`, without a file to go on from. */
export type MediationOptions = Omit<PatchOptions, 'resume'>

/**
 * Causal mediation: how much of what another prompt changes goes through each place. The indirect effect of a place is how far the metric of
 * the clean run moves when the place alone has its activation of the corrupted run. The direct effect is how far the corrupted run's metric
 * is from the clean one when the place keeps its activation of the clean run: what goes past it. Where nothing interacts, both sum to the
 * total effect.
 *
 * Sources: Pearl 2001, "Direct and indirect effects" (natural effects); Vig et al. 2020 (arXiv:2004.12265), here as differences.
 *
 * @throws StudyError for prompts of different lengths, a part that the model does not have, or a metric that compares with the clean run;
 * InputError, ArgumentError
 */
export async function mediationEffects(model: Model, options: MediationOptions): Promise<MediationEffects> {
  const known = knownOptions<MediationOptions>('mediationEffects()', options, [
    ...PATCHED_OPTIONS,
    'batch',
    'onProgress',
    ...TRACE_OPTIONS,
  ])
  const { clean, corrupted, part = 'residual', onProgress } = known
  const half = (from: number): MediationOptions['onProgress'] =>
    onProgress && ((done, total, left) => onProgress(from * total + done, 2 * total, left + (1 - from) * left))
  const intoClean = { ...known, clean: corrupted, corrupted: clean, onProgress: half(0) }
  const indirect = await patchActivations(model, intoClean)
  const direct = await patchActivations(model, { ...known, onProgress: half(1) })
  // A metric that compares with the clean run, such as a divergence, has another base in each of the two.
  const isAlike = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-3 * (Math.abs(a) + Math.abs(b)) + 1e-6
  if (!isAlike(indirect.corrupted, direct.clean) || !isAlike(indirect.clean, direct.corrupted))
    throw new StudiedModel('mediationEffects', model, undefined).error(
      'the metric compares with the clean run, so its effects can not be compared with one another.',
      'use a metric of one run, such as logitDifference() or logProbability()',
    )
  return new MediationEffects(part, known.metric.name, indirect, direct)
}

/** The effects of a change of prompts through each place and past it: the result of `mediationEffects()`. */
export class MediationEffects extends StudyResult {
  /** How far the clean run's metric moves by each place alone: float32, by `axes`. */
  readonly indirect: Tensor
  /** How far the corrupted run's metric is from the clean one when the place stays as in the clean run: float32, by `axes`. */
  readonly direct: Tensor
  /** How far the metric moves from the clean run to the corrupted one. */
  readonly total: number
  /** The metric of the clean run. */
  readonly base: number
  /** `layer`, and `token` or `head`, unless one place is a whole layer. */
  readonly axes: readonly LabelledAxis[]
  readonly #title: string
  readonly #metric: string
  readonly #rows: readonly { readonly indirect: readonly number[]; readonly direct: readonly number[] }[]

  constructor(part: Part, metric: string, indirect: PatchedActivations, direct: PatchedActivations) {
    super()
    this.axes = direct.axes
    this.base = direct.clean
    this.total = direct.corrupted - direct.clean
    const [through, past] = [indirect, direct].map(({ values }) =>
      rowsOf(values).map(row => row.map(v => v - this.base)),
    )
    this.indirect = this.#labelled(through)
    this.direct = this.#labelled(past)
    this.#metric = metric
    this.#title = `How far the ${metric} moves through ${wordsFor[part]}, and past it`
    this.#rows = through.map((row, i) => ({ indirect: row, direct: past[i] }))
  }

  #labelled(rows: number[][]): Tensor {
    return labelled(tensor(this.axes.length === 1 ? rows.map(([value]) => value) : rows), this.axes)
  }

  table(): Table {
    const labels = this.axes[0].labels
    return {
      title: this.#title,
      corner: 'layer',
      columns: this.axes[1]?.labels ?? ['all positions'],
      rows: this.#rows.flatMap(({ indirect, direct }, i) => [
        { label: `${labels[i]} through`, cells: indirect.map(short) },
        { label: `${labels[i]} past`, cells: direct.map(short) },
      ]),
      notes: [
        `${this.#metric}: ${short(this.base)} in the clean run; in the corrupted one it is ${short(this.total)} away.`,
      ],
    }
  }

  protected chart(): Chart {
    const [layers, across] = this.axes
    return beside(
      (['indirect', 'direct'] as const).map(effect => {
        const values = this.#rows.map(row => row[effect])
        const common = {
          title: effect === 'indirect' ? 'Through the place (indirect)' : 'Past the place (direct)',
          subtitle: `of ${short(this.total)} in all`,
          measure: `change of the ${this.#metric}`,
        }
        if (!across) return bars({ ...common, name: 'layer', labels: layers.labels, values: values.flat() })
        return heatMap({
          ...common,
          across: { name: across.name, labels: across.labels.map(visible) },
          down: layers,
          values,
        })
      }),
    )
  }
}

function rowsOf(values: Tensor): number[][] {
  const nested = values.tolist() as number[] | number[][]
  return nested.map(row => (Array.isArray(row) ? row : [row]))
}
