import type { TensorData } from '../tensor/dtypes/data.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Draw, type DrawOptions, narrowed } from './draw.ts'
import type { Endings, FinishReason } from './endings.ts'
import { type History, type ScoreOptions, Scores } from './scores.ts'
import type { Chosen, Found, Search } from './search.ts'
import { unknownVocabulary } from './unknown-vocabulary.ts'

export interface SamplingSetup {
  /** How tokens are drawn; undefined where the likeliest is taken. */
  readonly draw: (DrawOptions & { readonly seed: number }) | undefined
  readonly scores: ScoreOptions
  readonly endings: Endings
  readonly rows: number
  readonly rowsPerPrompt: number
  readonly maxNewTokens: number
  /** What rows that are done are filled up with. */
  readonly padding: number
}

/** Each row goes on by itself: with the likeliest token, or with one that is drawn. */
export class Sampling implements Search {
  readonly rowsPerPrompt: number
  readonly #setup: SamplingSetup
  readonly #scores: Scores
  readonly #draw: Draw | undefined
  readonly #reasons: (FinishReason | undefined)[]
  /** Of rows that are done, how many new tokens they have. */
  readonly #lengths: (number | undefined)[]

  constructor(setup: SamplingSetup) {
    const { draw, scores, endings, rows, rowsPerPrompt } = setup
    this.rowsPerPrompt = rowsPerPrompt
    this.#setup = setup
    this.#scores = new Scores(scores, endings.tokens, rows)
    this.#draw = draw && new Draw(draw.seed, rows)
    this.#reasons = new Array(rows).fill(undefined)
    this.#lengths = new Array(rows).fill(undefined)
  }

  record(logits: Tensor, vocabulary: number | undefined): Record<string, Tensor> {
    const { draw } = this.#setup
    if (!draw && !this.#scores.isActive) return { tokens: logits.argmax(-1) }
    if (vocabulary === undefined) throw unknownVocabulary()
    const scores = this.#scores.record(logits.to('float32'), vocabulary)
    if (!draw) return { tokens: scores.argmax(-1) }
    return { tokens: this.#draw!.record(narrowed(scores, draw, vocabulary)) }
  }

  prepare(step: number, rows: readonly History[]): void {
    if (this.#scores.isActive) this.#scores.prepare(rows)
    this.#draw?.prepare(step)
  }

  choose({ tokens }: Readonly<Record<string, TensorData>>, rows: readonly History[]): Chosen {
    const { endings, maxNewTokens, padding } = this.#setup
    const chosen = Array.from(tokens.data as ArrayLike<unknown>, (token, row) => {
      if (this.#reasons[row]) return padding
      const added = [...rows[row].added, Number(token)]
      this.#reasons[row] = endings.reasonOf(added)
      if (this.#reasons[row]) this.#lengths[row] = added.length
      return Number(token)
    })
    const isOver = this.#reasons.every(Boolean) || rows[0].added.length + 1 >= maxNewTokens
    return { tokens: chosen, isOver }
  }

  found(rows: readonly History[], ended: FinishReason): Found[] {
    return rows.map(({ added }, row) => ({
      added: added.slice(0, this.#lengths[row]),
      finishReason: this.#reasons[row] ?? ended,
    }))
  }
}
