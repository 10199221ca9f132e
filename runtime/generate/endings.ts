import { checkOption, isListOf, isToken } from './check-option.ts'

/** Why a row ended: at a token that ends texts, where it was told to stop, or at the most tokens. */
export type FinishReason = 'eos' | 'stop' | 'length'

/** What ends a row before the most tokens. */
export interface EndOptions {
  /** The tokens that end a text: a row that gets one is done. @default the model's own defaults, or none */
  readonly eosTokenId?: number | readonly number[]
  /** Further tokens to stop at. */
  readonly stopTokens?: readonly number[]
}

export const END_OPTIONS = ['eosTokenId', 'stopTokens'] as const

/** @throws GenerateError for options that make no sense */
export function checkEnds({ eosTokenId, stopTokens }: EndOptions): void {
  const isTokens = (value: unknown): boolean => isListOf(value, isToken)
  checkOption('eosTokenId', eosTokenId, value => isToken(value) || isTokens(value), 'a token id, or a list of them')
  checkOption('stopTokens', stopTokens, isTokens, 'a list of token ids')
}

/** Knows where a row ends. */
export class Endings {
  /** Tokens that end a row, for either reason. */
  readonly tokens: ReadonlySet<number>
  readonly #eos: ReadonlySet<number>

  constructor({ eosTokenId = [], stopTokens = [] }: EndOptions) {
    this.#eos = new Set([eosTokenId].flat())
    this.tokens = new Set([...this.#eos, ...stopTokens])
  }

  /** Why a row with these new tokens ends with the last one; undefined where it goes on. */
  reasonOf(added: readonly number[]): FinishReason | undefined {
    const last = added[added.length - 1]
    if (this.#eos.has(last)) return 'eos'
    return this.tokens.has(last) ? 'stop' : undefined
  }
}
