import type { TensorData } from '../tensor/dtypes/data.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Draw, type DrawOptions, narrowed } from './draw.ts'
import type { Endings, FinishReason } from './endings.ts'
import type { RowText } from './row-text.ts'
import { type History, type ScoreSettings, Scores } from './scores.ts'
import type { Chosen, Found, Search } from './search.ts'
import { unknownVocabulary } from './unknown-vocabulary.ts'

export interface SamplingSetup {
  /** How tokens are drawn; undefined if each step takes the likeliest token. */
  readonly draw: (DrawOptions & { readonly seed: number }) | undefined
  readonly scores: ScoreSettings
  readonly endings: Endings
  readonly rows: number
  readonly rowsPerPrompt: number
  readonly maxNewTokens: number
  /** The token that rows get after they have ended. */
  readonly padding: number
}

/** Why and where a row ended. */
interface End {
  readonly reason: FinishReason
  /** How many new tokens the row had then. */
  readonly length: number
}

/** Continues each row by itself: with the likeliest token, or with one that is drawn. */
export class Sampling implements Search {
  readonly rowsPerPrompt: number
  readonly rowsGoOn = true
  readonly #setup: SamplingSetup
  readonly #scores: Scores
  readonly #draw: Draw | undefined
  readonly #ends: (End | undefined)[]
  /** The text of each row, in which stop strings are searched for. */
  readonly #texts: (RowText | undefined)[] = []

  constructor(setup: SamplingSetup) {
    const { draw, scores, endings, rows, rowsPerPrompt } = setup
    this.rowsPerPrompt = rowsPerPrompt
    this.#setup = setup
    this.#scores = new Scores(scores, endings.tokens, rows)
    this.#draw = draw && new Draw(draw.seed, rows)
    this.#ends = new Array(rows).fill(undefined)
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

  choose({ tokens }: Readonly<Record<string, TensorData>>): Chosen {
    const { padding } = this.#setup
    return {
      tokens: Array.from(tokens.data as ArrayLike<unknown>, (token, row) =>
        this.#ends[row] ? padding : Number(token),
      ),
    }
  }

  isOver(rows: readonly History[]): boolean {
    const { endings, maxNewTokens } = this.#setup
    rows.forEach((row, i) => {
      if (this.#ends[i]) return
      this.#texts[i] ??= endings.textOf(row)
      const reason = endings.reasonOf(row, this.#texts[i])
      if (reason) this.#ends[i] = { reason, length: row.added.length }
    })
    return this.#ends.every(Boolean) || rows[0].added.length >= maxNewTokens
  }

  found(rows: readonly History[], ended: FinishReason): Found[] {
    return rows.map(({ prompt, added }, row) => ({
      prompt,
      added: added.slice(0, this.#ends[row]?.length),
      finishReason: this.#ends[row]?.reason ?? ended,
    }))
  }
}
