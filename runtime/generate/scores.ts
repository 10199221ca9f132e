import { GenerateError } from '../errors/generate.ts'
import { where } from '../tensor/ops/comparison.ts'
import { Tensor } from '../tensor/tensor.ts'
import { checkOption, isAbove0, isCount, isListOf, isNumber, isToken } from './check-option.ts'

/** Options that make tokens less likely or impossible, depending on the tokens that the sequence has so far. */
export interface ScoreOptions {
  /** Above 1, tokens that the prompt or the text has become less likely: their scores are divided by it, negative ones multiplied. @default 1 */
  readonly repetitionPenalty?: number
  /** Subtracted from the scores of tokens that were generated. @default 0 */
  readonly presencePenalty?: number
  /** Subtracted from the scores of tokens as often as they were generated. @default 0 */
  readonly frequencyPenalty?: number
  /** The length of a sequence of tokens that may not come twice, counting the prompt. @default none */
  readonly noRepeatNgramSize?: number
  /** Words that are never generated: each is a list of token ids, or a text, which is excluded with a space before it and without. */
  readonly badWords?: readonly (readonly number[] | string)[]
  /** Tokens that are never generated. */
  readonly suppressTokens?: readonly number[]
  /** Tokens that are never generated as the first one. */
  readonly beginSuppressTokens?: readonly number[]
  /** The number of new tokens before which no token that ends the text is generated. @default 0 */
  readonly minNewTokens?: number
}

export const SCORE_OPTIONS = [
  ...['repetitionPenalty', 'presencePenalty', 'frequencyPenalty', 'noRepeatNgramSize', 'badWords'],
  ...['suppressTokens', 'beginSuppressTokens', 'minNewTokens'],
] as const

/** @throws GenerateError for options that make no sense */
export function checkScores(options: ScoreOptions): void {
  const isTokens = (value: unknown): boolean => isListOf(value, isToken)
  checkOption('repetitionPenalty', options.repetitionPenalty, isAbove0, 'a number above 0')
  checkOption('presencePenalty', options.presencePenalty, isNumber, 'a number')
  checkOption('frequencyPenalty', options.frequencyPenalty, isNumber, 'a number')
  checkOption('noRepeatNgramSize', options.noRepeatNgramSize, isCount, 'a whole number above 0')
  const isWord = (value: unknown): boolean =>
    (typeof value === 'string' || isTokens(value)) && (value as unknown[]).length > 0
  checkOption('badWords', options.badWords, value => isListOf(value, isWord), 'a list of texts or lists of token ids')
  checkOption('suppressTokens', options.suppressTokens, isTokens, 'a list of token ids')
  checkOption('beginSuppressTokens', options.beginSuppressTokens, isTokens, 'a list of token ids')
  checkOption('minNewTokens', options.minNewTokens, value => value === 0 || isCount(value), 'a whole number')
}

/** The options after they were checked, with words as ids. */
export interface ScoreSettings extends Omit<ScoreOptions, 'badWords'> {
  readonly badWords: readonly (readonly number[])[]
}

/** The tokens of a row so far: its prompt without padding, and the generated ones. */
export interface History {
  readonly prompt: readonly number[]
  readonly added: readonly number[]
}

/**
 * Changes the scores of a step before a token is chosen by them, in the order and with the formulas of Hugging Face transformers'
 * `generation/logits_process.py`; presence and frequency penalties are OpenAI's. This class finds the tokens that each row must not get, or
 * should get less often. The arithmetic is a part of the step's graph, and takes these tokens as operands.
 */
export class Scores {
  readonly #options: ScoreSettings
  readonly #ends: ReadonlySet<number>
  readonly #badWords: readonly (readonly number[])[]
  readonly #rows: number
  #vocabulary = 0
  /** Which tokens each row has. These buffers are filled anew for each step: the graph that one step recorded reads them in later steps, too. */
  #seen: Uint8Array | undefined
  #subtracted: Float32Array | undefined
  #banned: Uint8Array | undefined

  /** @param ends tokens that end a row: they can't be bad words */
  constructor(options: ScoreSettings, ends: ReadonlySet<number>, rows: number) {
    this.#options = options
    this.#ends = ends
    this.#rows = rows
    this.#badWords = options.badWords.filter(word => word.length > 1 || !ends.has(word[0]))
  }

  /** Whether any option changes the scores. */
  get isActive(): boolean {
    return this.#penalisesSeen || this.#subtracts || this.#bans
  }

  get #penalisesSeen(): boolean {
    return (this.#options.repetitionPenalty ?? 1) !== 1
  }

  get #subtracts(): boolean {
    return (this.#options.presencePenalty ?? 0) !== 0 || (this.#options.frequencyPenalty ?? 0) !== 0
  }

  get #bans(): boolean {
    const { noRepeatNgramSize, suppressTokens, beginSuppressTokens, minNewTokens = 0 } = this.#options
    const lists = [this.#badWords, suppressTokens ?? [], beginSuppressTokens ?? []]
    return noRepeatNgramSize !== undefined || minNewTokens > 0 || lists.some(list => list.length > 0)
  }

  /** @param scores float32 `[rows, vocabulary]` */
  record(scores: Tensor, vocabulary: number): Tensor {
    this.#open(vocabulary)
    const dims = [this.#rows, vocabulary]
    let changed = scores
    if (this.#seen) {
      const penalty = this.#options.repetitionPenalty!
      const penalised = where(changed.lt(0), changed.mul(penalty), changed.div(penalty))
      changed = where(Tensor.of({ type: 'bool', dims, data: this.#seen }), penalised, changed)
    }
    if (this.#subtracted) changed = changed.sub(Tensor.of({ type: 'float32', dims, data: this.#subtracted }))
    if (this.#banned)
      changed = where(Tensor.of({ type: 'bool', dims, data: this.#banned }), Number.NEGATIVE_INFINITY, changed)
    return changed
  }

  /** Finds, for the next step, which tokens the rows have. */
  prepare(rows: readonly History[]): void {
    for (const buffer of [this.#seen, this.#subtracted, this.#banned]) buffer?.fill(0)
    rows.forEach((row, i) => {
      this.#noteSeen(row, i)
      this.#noteGenerated(row, i)
      this.#ban(row, i)
    })
  }

  #open(vocabulary: number): void {
    if (this.#vocabulary === vocabulary) return
    this.#vocabulary = vocabulary
    this.#assertTokens()
    const size = this.#rows * vocabulary
    if (this.#penalisesSeen) this.#seen = new Uint8Array(size)
    if (this.#subtracts) this.#subtracted = new Float32Array(size)
    if (this.#bans) this.#banned = new Uint8Array(size)
  }

  #assertTokens(): void {
    const { suppressTokens = [], beginSuppressTokens = [] } = this.#options
    const lists = { badWords: this.#badWords.flat(), suppressTokens, beginSuppressTokens }
    for (const [name, tokens] of Object.entries(lists)) {
      const foreign = tokens.find(token => token >= this.#vocabulary)
      if (foreign === undefined) continue
      throw new GenerateError(
        `${name} has the id ${foreign}, and the model’s vocabulary has ${this.#vocabulary} tokens: 0 to ${this.#vocabulary - 1}.`,
        'use the tokenizer that the model was trained with',
      )
    }
  }

  #noteSeen({ prompt, added }: History, row: number): void {
    if (!this.#seen) return
    for (const tokens of [prompt, added])
      for (const token of tokens) if (token < this.#vocabulary) this.#seen[row * this.#vocabulary + token] = 1
  }

  #noteGenerated({ added }: History, row: number): void {
    if (!this.#subtracted) return
    const { presencePenalty = 0, frequencyPenalty = 0 } = this.#options
    const counts = new Map<number, number>()
    for (const token of added) counts.set(token, (counts.get(token) ?? 0) + 1)
    for (const [token, count] of counts)
      this.#subtracted[row * this.#vocabulary + token] = presencePenalty + frequencyPenalty * count
  }

  #ban({ prompt, added }: History, row: number): void {
    const banned = this.#banned
    if (!banned) return
    const { noRepeatNgramSize, suppressTokens = [], beginSuppressTokens = [], minNewTokens = 0 } = this.#options
    const ban = (token: number): void => {
      if (token < this.#vocabulary) banned[row * this.#vocabulary + token] = 1
    }
    const all = [...prompt, ...added]
    if (noRepeatNgramSize !== undefined) repeated(all, noRepeatNgramSize).forEach(ban)
    for (const word of this.#badWords) if (endsWith(all, word.slice(0, -1))) ban(word[word.length - 1])
    suppressTokens.forEach(ban)
    if (added.length === 0) beginSuppressTokens.forEach(ban)
    if (added.length < minNewTokens) this.#ends.forEach(ban)
  }
}

/** Tokens that would complete a sequence of `size` tokens which the row already has. */
function repeated(tokens: readonly number[], size: number): number[] {
  const begin = tokens.slice(tokens.length - size + 1)
  const found: number[] = []
  for (let i = 0; i + size <= tokens.length; i++)
    if (begin.every((token, k) => tokens[i + k] === token)) found.push(tokens[i + size - 1])
  return found
}

const endsWith = (tokens: readonly number[], end: readonly number[]): boolean =>
  end.every((token, i) => tokens[tokens.length - end.length + i] === token)
