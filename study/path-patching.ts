import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { tensor, where } from '../runtime/tensor/functions.ts'
import { Tensor } from '../runtime/tensor/tensor.ts'
import type { Metric } from './metrics.ts'
import { checkPairs } from './model/pairs.ts'
import { StudiedModel } from './model/studied-model.ts'
import { type Chart, heatMap } from './pictures/chart.ts'
import { byHead, type LabelledAxis, labelled, numbered } from './results/axes.ts'
import { StudyResult } from './results/result.ts'
import { short, type Table } from './results/table.ts'
import { Measuring } from './sweeps/measuring.ts'
import { layersWith, layersWithHeads, siteOf } from './sweeps/sites.ts'
import { SWEEP_OPTIONS, Sweep, type SweepOptions, traceOptionsOf } from './sweeps/sweep.ts'
import { batchSize, masksOfHeads, stacked } from './sweeps/variants.ts'

/** The end of a path: the logits, or an input of a head. */
export type Receiver =
  | 'logits'
  | { readonly layer: number; readonly head: number; readonly input: 'query' | 'key' | 'value' }

/** Options of `pathPatching()`. */
export interface PathPatchOptions extends SweepOptions {
  /** The prompts into whose runs activations are put. */
  readonly clean: Inputs
  /** The prompts from whose runs the senders' activations are taken: as many, with the same lengths. */
  readonly corrupted: Inputs
  readonly metric: Metric
  /** The end of the paths. @default 'logits' */
  readonly receiver?: Receiver
  /** Where a path may lead beside the residual stream: through MLPs, which are computed anew, or through nothing. @default 'mlps' */
  readonly through?: 'mlps' | 'nothing'
  /** The number of rows in one run. @default as many as make some thousand tokens */
  readonly batch?: number
}

/**
 * Path patching: how much each head (the sender) affects a receiver directly, and not through other heads. In one run, the sender has its
 * activation of the corrupted run, and all other heads have those of the clean run. The receiver's value in that run is put into a clean run.
 *
 * Sources: Wang et al. 2022, "Interpretability in the Wild" (arXiv:2211.00593), algorithm 1; Goldowsky-Dill et al. 2023 (arXiv:2304.05969).
 *
 * @throws StudyError for prompts of different lengths, or a receiver that the model does not have; InputError, ArgumentError
 */
export async function pathPatching(model: Model, options: PathPatchOptions): Promise<PatchedPaths> {
  const {
    receiver = 'logits',
    through = 'mlps',
    batch,
    clean,
    corrupted,
    metric,
    ...sweeping
  } = knownOptions('pathPatching()', options, [
    'clean',
    'corrupted',
    'metric',
    'receiver',
    'through',
    'batch',
    ...SWEEP_OPTIONS,
  ])
  const rest = traceOptionsOf(sweeping)
  const studied = new StudiedModel('pathPatching', model, undefined)
  const [own, others] = await Promise.all([studied.prompts(clean), studied.prompts(corrupted)])
  checkPairs(studied, own, others)
  const measuring = new Measuring(studied, metric, rest)
  const { layers, heads } = await studied.sizes(own)
  const end = receiver === 'logits' ? layers : receiver.layer
  if (receiver !== 'logits' && !(receiver.head >= 0 && receiver.head < (heads[receiver.layer] ?? 0)))
    throw studied.error(
      `there is no head ${receiver.head} in layer ${receiver.layer}.`,
      'name a head that the model has',
    )
  const all = layersWithHeads(heads)
  const senders = all.filter(layer => layer < end)
  if (senders.length === 0) throw studied.error(`no head lies before layer ${end}.`, 'name a receiver in a later layer')
  const frozen = through === 'nothing' ? await layersWith(studied, 'mlp', own) : []
  const rows = await batchSize(studied, own, Math.max(...senders.map(layer => heads[layer])), batch)
  const values = senders.map(layer => new Array<number>(heads[layer]).fill(0))
  let base = 0
  const pairs = own.ids.length
  const what = { receiver, through, metric: measuring.name, clean: own.ids, corrupted: others.ids }
  const sweep = await Sweep.open<number[]>(studied, sweeping, what, pairs * senders.length)
  for (let pair = 0; pair < pairs; pair++) {
    const kept = await measuring.clean(own, pair, () => [
      ...all.map(layer => siteOf(studied, 'head', layer).read()),
      ...frozen.map(layer => siteOf(studied, 'mlp', layer).read()),
    ])
    base += kept.value / pairs
    await sweep.check(`clean ${measuring.name} of pair ${pair}`, kept.value)
    const from = await measuring.trace(others, pair, 1, () =>
      senders.map(layer => siteOf(studied, 'head', layer).read()),
    )
    for (const [i, sender] of senders.entries()) {
      const measured = await sweep.step(`pair ${pair}, layer ${sender}`, async () => {
        const moved: number[] = []
        const { each, dims } = masksOfHeads(heads[sender])
        for (let first = 0; first < each.length; first += rows) {
          const some = each.slice(first, first + rows)
          const mask = stacked(some, dims, rows)
          const arrives = await measuring.trace(own, pair, rows, () => {
            for (const [k, layer] of all.entries()) {
              const site = siteOf(studied, 'head', layer)
              const frozenHeads = kept.states[k]
              // The kept value has one row, and the place has several: adding it to zeros of the place's dims repeats it for each row.
              const still = site.read().mul(0).add(frozenHeads)
              site.write(layer === sender ? where(mask, from[i], still) : still)
            }
            for (const [k, layer] of frozen.entries()) {
              const site = siteOf(studied, 'mlp', layer)
              site.write(
                site
                  .read()
                  .mul(0)
                  .add(kept.states[all.length + k]),
              )
            }
            return receiver === 'logits'
              ? measuring.rows(own, pair, kept.logits)
              : siteOf(studied, receiver.input, receiver.layer).read()
          })
          const measured =
            receiver === 'logits'
              ? arrives
              : await measuring.trace(own, pair, rows, () => {
                  const site = siteOf(studied, receiver.input, receiver.layer)
                  const now = site.read()
                  site.write(where(headMask(now, receiver.head, heads[receiver.layer]), arrives, now))
                  return measuring.rows(own, pair, kept.logits)
                })
          moved.push(...(measured.tolist() as number[]).slice(0, some.length))
        }
        return moved
      })
      for (const [head, value] of measured.entries()) values[i][head] += value / pairs
    }
  }
  return new PatchedPaths(measuring.name, receiver, senders, base, values)
}

/** True for the receiver's head, `[1, 1, head, 1]`. If groups of heads share keys and values, true for the head that its group shares. */
function headMask(value: Tensor, head: number, heads: number): Tensor {
  const count = (value.dims as number[])[2]
  const own = Math.floor((head * count) / heads)
  return Tensor.of({
    type: 'bool',
    dims: [1, 1, count, 1],
    data: Uint8Array.from({ length: count }, (_, i) => Number(i === own)),
  })
}

/** The metric with each path patched: the result of `pathPatching()`. */
export class PatchedPaths extends StudyResult {
  /** `layer`, `head`: the layer and the number of the sender. */
  readonly axes: readonly LabelledAxis[]
  /** The metric with the path from each head patched: float32 `[layer, head]`. */
  readonly values: Tensor
  /** How far the metric moved: `values` − `base`. */
  readonly effects: Tensor
  /** The metric of the clean run. */
  readonly base: number
  readonly #metric: string
  readonly #receiver: Receiver
  readonly #effects: readonly (readonly number[])[]

  constructor(
    metric: string,
    receiver: Receiver,
    layers: readonly number[],
    base: number,
    values: readonly (readonly number[])[],
  ) {
    super()
    const table = byHead(values)
    this.axes = [{ name: 'layer', labels: layers.map(String) }, numbered('head', table[0].length)]
    this.base = base
    this.#metric = metric
    this.#receiver = receiver
    this.#effects = table.map(row => row.map(value => value - base))
    this.effects = labelled(tensor(this.#effects.map(row => [...row])), this.axes)
    this.values = labelled(tensor(table), this.axes)
  }

  #title(): string {
    const end =
      this.#receiver === 'logits'
        ? 'the logits'
        : `the ${this.#receiver.input} of head ${this.#receiver.head} in layer ${this.#receiver.layer}`
    return `Path patching, from each head to ${end}: how far the ${this.#metric} moves`
  }

  table(): Table {
    const [layers, heads] = this.axes
    return {
      title: this.#title(),
      corner: 'layer',
      columns: heads.labels.map(head => `head ${head}`),
      rows: this.#effects.map((row, i) => ({ label: layers.labels[i], cells: row.map(short) })),
      notes: [`${this.#metric} of the clean run: ${short(this.base)}.`],
    }
  }

  protected chart(): Chart {
    const [layers, heads] = this.axes
    return heatMap({
      title: this.#title(),
      subtitle: `${short(this.base)} in the clean run`,
      across: heads,
      down: layers,
      values: this.#effects,
      measure: `change of the ${this.#metric}`,
    })
  }
}
