import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { tensor } from '../runtime/tensor/functions.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import { TRACE_OPTIONS, type TraceOptions } from '../runtime/tracing/tracer.ts'
import { StudiedModel } from './model/studied-model.ts'
import { beside, type Chart, heatMap } from './pictures/chart.ts'
import { byHead, type LabelledAxis, labelled, numbered } from './results/axes.ts'
import { StudyResult } from './results/result.ts'
import { short, type Table } from './results/table.ts'
import { layersWithHeads } from './sweeps/sites.ts'

/** The kinds of heads that are scored. */
export type HeadKind = 'previous' | 'duplicate' | 'induction'

/** Options of `attentionScores()`. */
export interface AttentionScoresOptions extends TraceOptions {
  /**
   * How a pattern is compared with the ideal pattern of such a head. `share`: the mean attention to keys of that kind, over the queries that have
   * such a key. `mul`: the attention to these keys divided by all attention. `abs`: 1 minus the mean absolute difference of a row. The last two
   * are TransformerLens'. @default 'share'
   */
  readonly measure?: 'share' | 'mul' | 'abs'
  /** Whether attention to the first token is left out. @default false */
  readonly excludeFirst?: boolean
  /** Whether attention of a token to itself is left out. @default false */
  readonly excludeCurrent?: boolean
}

const kinds: readonly HeadKind[] = ['previous', 'duplicate', 'induction']

/**
 * Measures how much each head attends to the previous token, to earlier copies of its token, and to the token after an earlier copy (as
 * induction heads do). On several prompts, the result is the mean. A prompt of random tokens that come twice shows induction heads best.
 *
 * Sources: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; Olsson et al. 2022, "In-context Learning and Induction
 * Heads" (arXiv:2209.11895); the definitions of TransformerLens' `detect_head`.
 *
 * @throws StudyError for a model without heads that are known, or without a layer; InputError, ArgumentError
 * @example console.log(await attentionScores(model, [[...run, ...run]]))
 */
export async function attentionScores(
  model: Model,
  prompt: Inputs,
  options: AttentionScoresOptions = {},
): Promise<AttentionScores> {
  const {
    measure = 'share',
    excludeFirst,
    excludeCurrent,
    ...rest
  } = knownOptions('attentionScores()', options, [
    'measure',
    'excludeFirst',
    'excludeCurrent',
    ...TRACE_OPTIONS,
  ]) as AttentionScoresOptions
  if (!['share', 'mul', 'abs'].includes(measure))
    throw new ArgumentError(
      `attentionScores: there is no measure ${JSON.stringify(measure)}.`,
      undefined,
      'use share, mul or abs',
    )
  const studied = new StudiedModel('attentionScores', model, undefined)
  const prompts = await studied.prompts(prompt)
  const { heads } = await studied.sizes(prompts)
  const layers = layersWithHeads(heads)
  if (layers.length === 0)
    throw studied.error('no layer has heads that are known.', 'look at the operations: String(model)')
  const sums = kinds.map(() => layers.map(layer => new Array<number>(heads[layer]).fill(0)))
  for (const [row, all] of prompts.ids.entries()) {
    const first = prompts.mask[row].indexOf(true)
    const ids = all.filter((_, position) => prompts.mask[row][position])
    const wanted = kinds.map(kind => tensor(detection(kind, ids)))
    const weights = tensor(
      ids.map((_, q) => ids.map((_, k) => ((excludeFirst && k === 0) || (excludeCurrent && k === q) ? 0 : 1))),
    )
    const found = await model.trace(prompts.alone[row], rest, () => {
      const { layers: modules } = studied.lens()
      return layers.map(layer => {
        const whole = studied.withHeads(modules[layer].path).heads.pattern.select(0, 0).to('float32')
        const pattern = whole.narrow(1, first, ids.length).narrow(2, first, ids.length)
        return wanted.map(due => scoreOf(pattern, due, weights, measure))
      })
    })
    found.forEach((scores, l) => {
      scores.forEach((score, k) => {
        ;(score.tolist() as number[]).forEach((value, h) => {
          sums[k][l][h] += value / prompts.ids.length
        })
      })
    })
  }
  return new AttentionScores(layers, sums)
}

/** The ideal pattern of a head of this kind, `[query, key]`: 1 if the query attends to the key, else 0. */
function detection(kind: HeadKind, ids: readonly number[]): number[][] {
  const isCopy = (q: number, k: number): boolean => k >= 0 && k < q && ids[k] === ids[q]
  const attends = (q: number, k: number): boolean => {
    if (kind === 'previous') return k === q - 1
    return kind === 'duplicate' ? isCopy(q, k) : k > 0 && k <= q && isCopy(q, k - 1)
  }
  return ids.map((_, q) => ids.map((_, k) => Number(attends(q, k))))
}

/** The score of each head: its pattern, `[head, query, key]`, compared with the ideal one, `[query, key]`. NaN if no query has a key of that kind. */
function scoreOf(pattern: Tensor, due: Tensor, weights: Tensor, measure: AttentionScoresOptions['measure']): Tensor {
  if (measure === 'abs') {
    const [size] = due.dims as number[]
    return pattern.sub(due).abs().mul(weights).sum([1, 2]).div(size).neg().add(1)
  }
  const kept = pattern.mul(weights)
  const hit = kept.mul(due).sum([1, 2])
  if (measure === 'mul') return hit.div(kept.sum([1, 2]))
  return hit.div(due.mul(weights).amax([1]).sum())
}

/** The scores of every head, by `axes`: layer, head. */
export class AttentionScores extends StudyResult {
  /** `layer`, `head`. */
  readonly axes: readonly LabelledAxis[]
  /** The attention to the previous token: float32 `[layer, head]`. */
  readonly previous: Tensor
  /** The attention to earlier copies of the token: float32 `[layer, head]`. */
  readonly duplicate: Tensor
  /** The attention to the token after an earlier copy: float32 `[layer, head]`. */
  readonly induction: Tensor
  readonly #rows: readonly (readonly (readonly number[])[])[]

  constructor(layers: readonly number[], scores: readonly (readonly (readonly number[])[])[]) {
    super()
    this.#rows = scores
    const tables = scores.map(byHead)
    this.axes = [{ name: 'layer', labels: layers.map(String) }, numbered('head', tables[0][0].length)]
    const [previous, duplicate, induction] = tables.map(rows => labelled(tensor(rows), this.axes))
    this.previous = previous
    this.duplicate = duplicate
    this.induction = induction
  }

  /** The heads with the highest score of a kind. */
  best(kind: HeadKind, count = 3): { readonly layer: number; readonly head: number; readonly score: number }[] {
    const [layers] = this.axes
    return this.#rows[kinds.indexOf(kind)]
      .flatMap((row, i) => row.map((score, head) => ({ layer: Number(layers.labels[i]), head, score })))
      .filter(({ score }) => !Number.isNaN(score))
      .sort((a, b) => b.score - a.score)
      .slice(0, count)
  }

  table(): Table {
    const [layers, heads] = this.axes
    return {
      title: 'Attention scores of heads',
      corner: 'layer',
      columns: heads.labels.map(head => `head ${head}`),
      rows: kinds.flatMap((kind, k) =>
        this.#rows[k].map((row, i) => ({ label: `${kind} ${layers.labels[i]}`, cells: row.map(short) })),
      ),
      notes: [
        'previous: to the token before; duplicate: to copies of the token; induction: to the token after a copy.',
      ],
    }
  }

  protected chart(): Chart {
    const [layers, heads] = this.axes
    const titles = { previous: 'Previous token', duplicate: 'Duplicate token', induction: 'Induction' }
    return beside(
      kinds.map((kind, k) =>
        heatMap({
          title: titles[kind],
          across: heads,
          down: layers,
          values: byHead(this.#rows[k]),
          measure: 'attention',
          most: 1,
        }),
      ),
    )
  }
}
