import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { cat, tensor, where } from '../runtime/tensor/functions.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import { TRACE_OPTIONS, type TraceOptions } from '../runtime/tracing/tracer.ts'
import type { Answers } from './metrics.ts'
import { realPositions } from './model/real-positions.ts'
import { type Prompts, StudiedModel, type Vocabulary } from './model/studied-model.ts'
import { type Chart, heatMap } from './pictures/chart.ts'
import { byHead, type LabelledAxis, labelled, numbered } from './results/axes.ts'
import { StudyResult } from './results/result.ts'
import { short, type Table } from './results/table.ts'
import { hasPart, siteOf } from './sweeps/sites.ts'

/** Options of `directLogitAttribution()`. */
export interface AttributionOptions extends TraceOptions {
  /** The token whose logit is attributed: its id or its text; one for all prompts, or one for each. */
  readonly answer: Answers
  /** A token whose logit is subtracted, so that parts that raise all logits cancel out. */
  readonly other?: Answers
  /** The position whose logits are attributed; negative ones count from the end. @default -1 */
  readonly position?: number
  /** Texts of the tokens, by id. */
  readonly vocabulary?: Vocabulary
}

/**
 * Direct logit attribution: how much each part that writes into the residual stream adds to a logit, or to the difference of two. The scale
 * of the final norm is held at its value in this run (frozen). Then the logit is a sum, of the shares of the embeddings, of each head and each
 * MLP, and of the biases of the norm and the head. On several prompts, the result is the mean.
 *
 * No weights are read: the model's own norm and head are applied to each part, so quantised and fused files work too.
 *
 * Sources: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; TransformerLens' `decompose_resid`,
 * `stack_head_results` and `logit_attrs`. A part may also act through later parts: `ablate` and `patchActivations` measure that, this does not.
 *
 * @throws StudyError if the model's parts are not found; InputError, ArgumentError
 * @example console.log(await directLogitAttribution(model, 'The Eiffel Tower is in', { answer: ' Paris', other: ' Rome' }))
 */
export async function directLogitAttribution(
  model: Model,
  prompt: Inputs,
  options: AttributionOptions,
): Promise<LogitAttribution> {
  const {
    answer,
    other,
    position = -1,
    vocabulary,
    ...rest
  } = knownOptions('directLogitAttribution()', options, ['answer', 'other', 'position', 'vocabulary', ...TRACE_OPTIONS])
  const studied = new StudiedModel('directLogitAttribution', model, vocabulary)
  const prompts = await studied.prompts(prompt)
  const { heads } = await studied.sizes(prompts)
  let found: Shares | undefined
  for (const row of prompts.ids.keys()) {
    const at = placeOf(studied, prompts, row, position)
    const answers = [answer, other].map(one => one !== undefined && answerOf(studied, one, row))
    const shares = await model.trace(prompts.alone[row], rest, () =>
      sharesAt(studied, heads, at, answers[0] as number, answers[1]),
    )
    const own: Shares = { ...shares, values: shares.values.tolist() as number[], logit: Number(shares.logit.item()) }
    found = found ? added(found, own) : own
  }
  return new LogitAttribution(found!, prompts.ids.length, other !== undefined, heads.length)
}

/** A part of the sum. */
interface Component {
  readonly kind: 'embeddings' | 'head' | 'attention' | 'mlp' | 'rest' | 'bias'
  readonly layer?: number
  readonly head?: number
}

interface Shares {
  readonly components: readonly Component[]
  readonly values: readonly number[]
  readonly logit: number
}

const added = (a: Shares, b: Shares): Shares => ({
  ...a,
  values: a.values.map((value, i) => value + b.values[i]),
  logit: a.logit + b.logit,
})

/** The index of a position in the prompt's row, with its padding. @throws StudyError */
function placeOf(studied: StudiedModel, { mask }: Prompts, row: number, position: number): number {
  const real = realPositions(mask[row])
  const at = real.at(position)
  if (at === undefined || (position < 0 && -position > real.length))
    throw studied.error(`prompt ${row} has no position ${position}.`, `it has ${real.length} tokens`)
  return at
}

function answerOf(studied: StudiedModel, answers: Answers, row: number): number {
  if (typeof answers !== 'object') return studied.answer(answers)
  if (row < answers.length) return studied.answer(answers[row])
  throw studied.error(
    `there are ${answers.length} answers, and a prompt ${row}.`,
    'give one answer for all prompts, or one for each',
  )
}

/** The share of each part, in the current trace. */
function sharesAt(studied: StudiedModel, heads: readonly number[], at: number, answer: number, other: number | false) {
  const lens = studied.lens()
  const here = (value: Tensor): Tensor => value.select(0, 0).select(0, at).to('float32')
  const components: Component[] = [{ kind: 'embeddings' }]
  const states: Tensor[] = [here(studied.embedded()).unsqueeze(0)]
  for (const [layer, { path }] of lens.layers.entries()) {
    const [entering, leaving] = [siteOf(studied, 'residual', layer).read(), studied.read(lens.leaving[layer])]
    let rest = here(leaving).sub(here(entering))
    if (heads[layer] > 0) {
      const results = here(studied.withHeads(path).heads.result)
      states.push(results)
      for (let head = 0; head < heads[layer]; head++) components.push({ kind: 'head', layer, head })
      rest = rest.sub(results.sum([0]))
      if (hasPart(studied, 'attention', layer)) {
        const bias = here(siteOf(studied, 'attention', layer).read()).sub(results.sum([0]))
        states.push(bias.unsqueeze(0))
        components.push({ kind: 'attention', layer })
        rest = rest.sub(bias)
      }
    }
    if (hasPart(studied, 'mlp', layer)) {
      const mlp = here(siteOf(studied, 'mlp', layer).read())
      states.push(mlp.unsqueeze(0))
      components.push({ kind: 'mlp', layer })
      rest = rest.sub(mlp)
    }
    states.push(rest.unsqueeze(0))
    components.push({ kind: 'rest', layer })
  }
  const final = studied.read(lens.leaving.at(-1)!)
  const state = here(final)
  const difference = (logits: Tensor): Tensor => {
    const own = logits.select(-1, answer)
    return other === false ? own : own.sub(logits.select(-1, other))
  }
  const head = (rows: Tensor): Tensor =>
    difference(studied.logitsOf(rows.unsqueeze(0).to(final.type), lens).select(0, 0).to('float32'))
  components.push({ kind: 'bias' })
  const logits = studied.read(lens.logits).select(0, 0).select(0, at).to('float32')
  return { components, values: frozen(cat(states), state, head), logit: difference(logits) }
}

/**
 * The share of each part: the head's result for it, with the norm's scale held at that of the whole stream. A norm undoes any scale of its
 * input, so the head gives the same for a part and for `k` times the part. The norm's scales of the part and of the stream are known, and its
 * result for 0 is its bias. So the share is (scale(part) / scale(stream)) · (head(part) − head(0)).
 */
function frozen(parts: Tensor, stream: Tensor, head: (rows: Tensor) => Tensor): Tensor {
  // Each part is scaled to the length of the stream, so that the norm's epsilon has as little effect on it.
  const centredStream = stream.sub(stream.mean())
  const centredParts = parts.sub(parts.mean([-1], { keepdim: true }))
  // A LayerNorm subtracts the mean. An RMS norm does not, and then the head gives another number for a stream without its mean.
  const pair = head(cat([stream.unsqueeze(0), centredStream.unsqueeze(0)]))
  const [whole, centred] = [pair.select(0, 0), pair.select(0, 1)]
  const takesMean = whole.sub(centred).abs().lt(whole.abs().add(centred.abs()).mul(1e-4).add(1e-4))
  const rows = where(takesMean, centredParts, parts)
  const scale = where(takesMean, centredStream, stream).norm()
  const lengths = rows.norm(2, [-1], { keepdim: true })
  const isZero = lengths.lt(scale.mul(1e-7))
  const factor = scale.div(where(isZero, 1, lengths))
  const bias = head(stream.mul(0).unsqueeze(0))
  const shares = head(rows.mul(factor)).sub(bias).div(factor.squeeze(-1))
  return cat([where(isZero.squeeze(-1), 0, shares), bias])
}

/** How much each part adds to a logit. All parts sum to `logit`. */
export class LogitAttribution extends StudyResult {
  /** `component`: a label for each part, as in `values`. */
  readonly axes: readonly LabelledAxis[]
  /** The share of each part: float32 `[component]`. The shares sum to `logit`. */
  readonly values: Tensor
  /** The shares of heads: float32 `[layer, head]`; NaN if a layer has fewer heads than others. */
  readonly heads: Tensor
  /** The share of each layer's attention, heads and bias together: float32 `[layer]`. */
  readonly attention: Tensor
  /** The share of each layer's MLP: float32 `[layer]`; 0 without one. */
  readonly mlp: Tensor
  /** The share of the embeddings: the stream that enters the first layer. */
  readonly embeddings: number
  /** The share of the biases of the final norm and the head. */
  readonly bias: number
  /** The logit that the model computes, or the difference of two. */
  readonly logit: number
  readonly #cells: readonly (readonly number[])[]
  readonly #columns: readonly string[]
  readonly #isDifference: boolean

  constructor({ components, values: sums, logit }: Shares, prompts: number, isDifference: boolean, layers: number) {
    super()
    const values = sums.map(value => value / prompts)
    const of = (kind: Component['kind'], layer?: number): number[] =>
      values.filter((_, i) => components[i].kind === kind && components[i].layer === layer)
    const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0)
    // In most models, a layer adds next to nothing beside its named parts. Then that rest is not shown.
    const isShown = ({ kind }: Component, i: number): boolean =>
      kind !== 'rest' || Math.abs(values[i]) > 1e-4 * (1 + Math.abs(logit / prompts))
    const shown = components.flatMap((component, i) => (isShown(component, i) ? [i] : []))
    const component = { name: 'component', labels: shown.map(i => labelOf(components[i])) }
    this.axes = [component]
    this.values = labelled(tensor(shown.map(i => values[i])), this.axes)
    const all = Array.from({ length: layers }, (_, layer) => layer)
    const layer = { name: 'layer', labels: all.map(String) }
    const perHead = byHead(all.map(i => of('head', i)))
    const heads = numbered('head', perHead[0].length)
    this.heads = labelled(tensor(perHead), [layer, heads])
    this.attention = labelled(tensor(all.map(i => sum([...of('head', i), ...of('attention', i)]))), [layer])
    this.mlp = labelled(tensor(all.map(i => sum(of('mlp', i)))), [layer])
    this.embeddings = sum(of('embeddings'))
    this.bias = sum(of('bias'))
    this.logit = logit / prompts
    this.#isDifference = isDifference
    const hasRest = shown.some(i => components[i].kind === 'rest')
    type Column = readonly [string, (layer: number) => number]
    const columns: readonly Column[] = [
      ...heads.labels.map((label, head) => [`head ${label}`, i => perHead[i][head]] satisfies Column as Column),
      ['attention bias', i => sum(of('attention', i))],
      ['MLP', i => sum(of('mlp', i))],
      ...(hasRest ? [['rest', i => sum(of('rest', i))] satisfies Column as Column] : []),
    ]
    this.#columns = columns.map(([name]) => name)
    this.#cells = all.map(i => columns.map(([, value]) => value(i)))
  }

  #title(): string {
    return `Direct attribution of the ${this.#isDifference ? 'logit difference' : 'logit'}`
  }

  #sum(): string {
    return `embeddings ${short(this.embeddings)}, final bias ${short(this.bias)}; all together ${short(this.logit)}`
  }

  table(): Table {
    return {
      title: this.#title(),
      corner: 'layer',
      columns: this.#columns,
      rows: this.#cells.map((row, layer) => ({ label: String(layer), cells: row.map(short) })),
      notes: [this.#sum()],
    }
  }

  protected chart(): Chart {
    return heatMap({
      title: this.#title(),
      subtitle: this.#sum(),
      across: { name: 'part', labels: this.#columns },
      down: { name: 'layer', labels: this.#cells.map((_, layer) => String(layer)) },
      values: this.#cells,
      measure: 'share of the logit',
    })
  }
}

function labelOf({ kind, layer, head }: Component): string {
  if (kind === 'embeddings') return 'embeddings'
  if (kind === 'bias') return 'final bias'
  if (kind === 'head') return `${layer} head ${head}`
  return `${layer} ${kind === 'attention' ? 'attention bias' : kind === 'mlp' ? 'MLP' : 'rest'}`
}
