import { checkOption, isListOf, isToken } from './check-option.ts'
import { type Decode, RowText } from './row-text.ts'
import type { History } from './scores.ts'

/** Why a row ended: at a token that ends texts, where it was told to stop, or at the most tokens. */
export type FinishReason = 'eos' | 'stop' | 'length'

/** What ends a row before the most tokens. */
export interface EndOptions {
  /** The tokens that end a text: a row that gets one is done. @default the model's own, or none */
  readonly eosTokenId?: number | readonly number[]
  /** Further tokens to stop at. */
  readonly stopTokens?: readonly number[]
  /** Texts to stop at, which are cut from the new text. `ids` has what was generated. */
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

/** Knows where a row ends. */
export class Endings {
  /** Tokens that end a row, for either reason. */
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

  /** The text of a row; undefined where the model has no tokenizer. */
  textOf({ prompt }: History): RowText | undefined {
    return this.#language && new RowText(this.#language, prompt, this.#stopStrings)
  }

  /**
   * Why a row with these new tokens ends with the last one; undefined where it goes on.
   * @param text the row's text so far, if it is at hand
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
