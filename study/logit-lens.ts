import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import { TRACE_OPTIONS, type TraceOptions } from '../runtime/tracing/tracer.ts'
import { joined, type LensRows, lensRows, partsOf } from './model/lens-rows.ts'
import { realPositions } from './model/real-positions.ts'
import { type Answer, type PromptBatch, StudiedModel, type Vocabulary } from './model/studied-model.ts'
import { type Chart, heatMap } from './pictures/chart.ts'
import { type LabelledAxis, labelled } from './results/axes.ts'
import { StudyResult } from './results/result.ts'
import { short, type Table, visible } from './results/table.ts'
import type { TunedLens } from './tuned-lens.ts'

/** Options of `logitLens()`. */
export interface LogitLensOptions extends TraceOptions {
  /** How many of the likeliest tokens are kept for each place. @default 5 */
  readonly top?: number
  /**
   * The token whose rank and probability are followed from layer to layer, at all positions: its id or its text. @default the token that the
   * model itself predicts at each position
   */
  readonly answer?: Answer
  /** Translators that were trained for this model: `await loadTunedLens(file)`. */
  readonly tuned?: TunedLens
  /** Whether to keep the logits of all layers, `[layer, prompt, token, vocabulary]`. They take much memory for long prompts. @default false */
  readonly keepLogits?: boolean
  /** Texts of the tokens, by id. Without them, ids are shown. */
  readonly vocabulary?: Vocabulary
}

/** A token that a layer would predict. */
export interface LensPrediction {
  readonly id: number
  /** The token's text; without a vocabulary, its id as text. */
  readonly token: string
  /** The token's probability, from 0 to 1. */
  readonly probability: number
}

/**
 * The logit lens shows what the model would predict if it stopped after a layer: it applies the final norm and the unembedding to the residual
 * stream before the first layer ("embeddings") and after each layer. The last row is the model's own prediction. One run computes all rows.
 *
 * With `tuned`, each stream is first translated by the affine map that was trained for its layer.
 *
 * Sources: nostalgebraist, "interpreting GPT: the logit lens" (2020); Belrose et al., "Eliciting Latent Predictions from Transformers with
 * the Tuned Lens" (2023), arXiv:2303.08112.
 *
 * @param model a language model: token ids in, logits out, layers in a numbered list
 * @param prompt what `trace()` takes
 * @throws StudyError if the way from the layers to the logits is not found; InputError for wrong inputs; ArgumentError for a wrong option
 * @example console.log(await logitLens(model, [[18, 47, 56, 57]], { vocabulary: chars }))
 */
export async function logitLens(model: Model, prompt: Inputs, options: LogitLensOptions = {}): Promise<LogitLens> {
  const {
    top = 5,
    answer,
    tuned,
    keepLogits,
    vocabulary,
    ...rest
  } = knownOptions('logitLens()', options, [
    'top',
    'answer',
    'tuned',
    'keepLogits',
    'vocabulary',
    ...TRACE_OPTIONS,
  ]) as LogitLensOptions
  if (!Number.isSafeInteger(top) || top < 1)
    throw new ArgumentError(`logitLens: top is ${top}.`, undefined, 'give a whole number from 1')
  const studied = new StudiedModel('logitLens', model, vocabulary)
  const prompts = await studied.batch(prompt)
  const rowsOf = (states: readonly Tensor[], own: Tensor): LensRows => {
    const others = states.slice(0, -1).map((state, i) => tuned?.translate(i, state) ?? state)
    return lensRows([...studied.logitsOfEach(others), own], {
      top,
      answer: answer === undefined ? undefined : size => studied.answer(answer, size),
      keepLogits,
    })
  }
  const read = await model.trace(prompts.inputs, rest, () => {
    const lens = studied.lens()
    tuned?.check(lens.layers.length, studied)
    const states = [studied.embedded(), ...lens.leaving.map(tap => studied.read(tap))]
    const own = studied.read(lens.logits)
    const layers = ['embeddings', ...lens.layers.map((_, i) => String(i))]
    const parts = lens.takesAnyPositions ? partsOf(states.length, own.dims) : []
    return parts.length > 1 ? { layers, states, own, parts } : { layers, rows: rowsOf(states, own) }
  })
  const values = { layers: read.layers, ...(read.rows ?? (await inParts(read))) }

  /** Reads nothing of the layers, so that only the head runs. */
  async function inParts({ states, own, parts }: LongLens): Promise<LensRows> {
    const found: LensRows[] = []
    for (const [from, count] of parts) {
      const some = await Promise.all([...states, own].map(whole => whole.narrow(1, from, count).value()))
      found.push(await model.trace(prompts.inputs, rest, () => rowsOf(some.slice(0, -1), some.at(-1)!)))
    }
    return joined(found)
  }
  return new LogitLens(values, prompts, id => studied.token(id), tuned !== undefined)
}

/** What is read of prompts so long that their logits of all layers would take too much memory at once. */
interface LongLens {
  readonly states: readonly Tensor[]
  readonly own: Tensor
  readonly parts: ReturnType<typeof partsOf>
}

interface LensValues extends LensRows {
  readonly layers: readonly string[]
}

/** The predictions of every layer. All tensors begin with `axes`: layer, prompt, token. */
export class LogitLens extends StudyResult {
  /** `layer` (the embeddings, then each layer), `prompt`, `token` (its texts, if there is one prompt). */
  readonly axes: readonly LabelledAxis[]
  /** The likeliest tokens, from the likeliest on: int64 `[layer, prompt, token, top]`. */
  readonly ids: Tensor
  /** The probabilities of these tokens: float32 `[layer, prompt, token, top]`. */
  readonly probabilities: Tensor
  /** The token that is followed at each position: int64 `[prompt, token]`. */
  readonly answers: Tensor
  /** The probability of that token: float32 `[layer, prompt, token]`. */
  readonly answerProbabilities: Tensor
  /** The rank of that token, 0 for the likeliest: int64 `[layer, prompt, token]`. */
  readonly ranks: Tensor
  /** The divergence KL(model's prediction ‖ layer's prediction), in nats: float32 `[layer, prompt, token]`. */
  readonly kl: Tensor
  /** The entropy of each prediction, in nats: float32 `[layer, prompt, token]`. */
  readonly entropy: Tensor
  /** The logits of all layers, float32 `[layer, prompt, token, vocabulary]`; undefined without `keepLogits`. */
  readonly logits: Tensor | undefined
  readonly #prompts: PromptBatch
  /** The positions of the first prompt that are not padding. Only the first prompt is printed and drawn. */
  readonly #shown: readonly number[]
  readonly #token: (id: number) => string
  readonly #isTuned: boolean

  constructor(values: LensValues, prompts: PromptBatch, token: (id: number) => string, isTuned: boolean) {
    super()
    this.#prompts = prompts
    this.#shown = realPositions(prompts.mask[0])
    this.#token = token
    this.#isTuned = isTuned
    const [first] = prompts.ids
    const isOne = prompts.ids.length === 1
    this.axes = [
      { name: 'layer', labels: values.layers },
      { name: 'prompt', labels: prompts.ids.map((_, row) => String(row)) },
      { name: 'token', labels: first.map((id, position) => (isOne ? token(id) : String(position))) },
    ]
    const named = (tensor: Tensor): Tensor => labelled(tensor, this.axes)
    this.ids = named(values.ids)
    this.probabilities = named(values.probabilities)
    this.answers = labelled(values.followed, this.axes.slice(1))
    this.answerProbabilities = named(values.answerProbabilities)
    this.ranks = named(values.ranks)
    this.kl = named(values.kl)
    this.entropy = named(values.entropy)
    this.logits = values.logits && named(values.logits)
  }

  /** The likeliest tokens of a layer at a position. Negative numbers count from the end; layer 0 is the embeddings. */
  at(layer: number, position: number, row = 0): LensPrediction[] {
    const pick = <V>(axis: number, list: readonly V[], index: number): V => {
      const found = list.at(index)
      if (found === undefined)
        throw new ArgumentError(
          `LogitLens: ${this.axes[axis].name} ${index} is not there.`,
          undefined,
          `there are ${list.length}`,
        )
      return found
    }
    const placed = <V>(nested: V[][][]): V => pick(2, pick(1, pick(0, nested, layer), row), position)
    const shares = placed(this.probabilities.tolist() as number[][][][])
    return placed(this.ids.tolist() as number[][][][]).map((id, i) => ({
      id,
      token: this.#token(id),
      probability: shares[i],
    }))
  }

  table(): Table {
    const best = this.#best()
    return {
      title: this.#title(),
      corner: 'layer',
      columns: this.#tokens(),
      rows: this.axes[0].labels.map((label, layer) => ({
        label,
        cells: best.map(column => `${visible(column[layer].token)} ${short(column[layer].probability)}`),
      })),
      notes: [
        'Each cell: the likeliest next token, and its probability.',
        ...(this.#prompts.ids.length > 1 ? [`Prompt 0 of ${this.#prompts.ids.length}.`] : []),
      ],
    }
  }

  protected chart(): Chart {
    const best = this.#best()
    const layers = this.axes[0].labels
    const across = this.#tokens().map(visible)
    // The model's own prediction is at the top, as in the sources.
    const order = layers.map((_, i) => layers.length - 1 - i)
    const kl = (this.kl.tolist() as number[][][]).map(rows => rows[0])
    return heatMap({
      title: this.#title(),
      subtitle: 'the likeliest next token of each layer, and its probability',
      across: { name: 'token', labels: across },
      down: { name: 'layer', labels: order.map(i => layers[i]) },
      values: order.map(i => best.map(column => column[i].probability)),
      texts: order.map(i => best.map(column => visible(column[i].token))),
      details: order.map(i =>
        best.map((column, p) => `${visible(column[i].token)}, KL to the model ${short(kl[i][this.#shown[p]])} nats`),
      ),
      measure: 'probability',
      most: 1,
    })
  }

  #title(): string {
    return this.#isTuned ? 'Tuned lens' : 'Logit lens'
  }

  #tokens(): string[] {
    return this.#shown.map(position => this.#token(this.#prompts.ids[0][position]))
  }

  /** For each position, the likeliest token of each layer. */
  #best(): { readonly token: string; readonly probability: number }[][] {
    const ids = this.ids.tolist() as number[][][][]
    const shares = this.probabilities.tolist() as number[][][][]
    return this.#shown.map(position =>
      ids.map((layer, i) => ({
        token: this.#token(layer[0][position][0]),
        probability: shares[i][0][position][0],
      })),
    )
  }
}
