import { checkOption, isListOf, isToken } from './check-option.ts'
import { type Decode, RowText } from './row-text.ts'
import type { History } from './scores.ts'

/**
 * Why a row ended: `'eos'` at a token that ends texts; `'stop'` at a stop token or a stop string, or because generation was stopped;
 * `'length'` because it has the most new tokens that it may have.
 */
export type FinishReason = 'eos' | 'stop' | 'length'

/** What ends a row before it has `maxNewTokens` new tokens. */
export interface EndOptions {
  /** The tokens that end a text: a row that gets one is done. @default the model's own, or none */
  readonly eosTokenId?: number | readonly number[]
  /** Further tokens to stop at. */
  readonly stopTokens?: readonly number[]
  /** Texts to stop at. They are cut off the new text, but `ids` has all tokens that were generated. */
  readonly stopStrings?: string | readonly string[]
}

export const END_OPTIONS = ['eosTokenId', 'stopTokens', 'stopStrings'] as const

/** @throws GenerateError for options that make no sense */
export function checkEnds({ eosTokenId, stopTokens, stopStrings }: EndOptions): void {
  const isTokens = (value: unknown): boolean => isListOf(value, isToken)
  const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
  checkOption('eosTokenId', eosTokenId, value => isToken(value) || isTokens(value), 'a token id, or a list of them')
  checkOption('stopTokens', stopTokens, isTokens, 'a list of token ids')
  checkOption(
    'stopStrings',
    stopStrings,
    value => isText(value) || isListOf(value, isText),
    'a text, or a list of texts',
  )
}

interface EndSettings extends Omit<EndOptions, 'stopStrings'> {
  readonly stopStrings: readonly string[]
}

/** Finds where and why a row ends. */
export class Endings {
  /** All tokens that end a row: those that end texts, and stop tokens. */
  readonly tokens: ReadonlySet<number>
  readonly #eos: ReadonlySet<number>
  readonly #stopStrings: readonly string[]
  readonly #language: Decode | undefined

  constructor({ eosTokenId = [], stopTokens = [], stopStrings }: EndSettings, language: Decode | undefined) {
    this.#eos = new Set([eosTokenId].flat())
    this.tokens = new Set([...this.#eos, ...stopTokens])
    this.#stopStrings = stopStrings
    this.#language = language
  }

  /** A `RowText` for a row, with no new token taken yet; undefined if the model has no tokenizer. */
  textOf({ prompt }: History): RowText | undefined {
    return this.#language && new RowText(this.#language, prompt, this.#stopStrings)
  }

  /**
   * Why the row ends with its last new token; undefined if it goes on.
   * @param text the row's text so far, if the caller keeps one
   */
  reasonOf(row: History, text?: RowText): FinishReason | undefined {
    const last = row.added[row.added.length - 1]
    if (this.#eos.has(last)) return 'eos'
    if (this.tokens.has(last)) return 'stop'
    if (this.#stopStrings.length === 0) return undefined
    const read = text ?? this.textOf(row)!
    read.take(row.added)
    return read.stopped ? 'stop' : undefined
  }
}
