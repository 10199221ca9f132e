import { GenerateError } from '../errors/generate.ts'
import type { Language } from '../language-inputs/language.ts'
import type { ChatMessage } from '../language-inputs/prompt.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { toTensor } from '../tensor/values/convert.ts'
import type { FinishReason } from './endings.ts'
import type { GenerationCache } from './kept-cache.ts'
import { RowText } from './row-text.ts'
import type { Found } from './search.ts'

/** The tokens and texts that a generation has made so far. `T` is a text, or a list with one text for each sequence. */
export interface SoFar<T = string | readonly string[]> {
  /**
   * The new text, without special tokens: one text for one text or chat, else a list. It ends where a stop string begins.
   * @throws GenerateError if the model was loaded without a tokenizer
   */
  readonly text: T
  /** The new tokens as texts: a list, or one list for each sequence. @throws GenerateError without a tokenizer */
  readonly tokens: T extends string ? readonly string[] : readonly (readonly string[])[]
  /** The prompts and the tokens added to them: int64, `[sequences, tokens]`. The sequences of one prompt follow each other. */
  readonly ids: Tensor
  /** Why each sequence ended. */
  readonly finishReason: readonly FinishReason[]
  /** How many steps have run: each adds one token to each sequence. */
  readonly steps: number
  /** The seed with which the tokens were drawn: with it, generate() draws the same ones. Undefined if no tokens were drawn. */
  readonly seed?: number
  /** Settings of the model's generation_config.json that generate() does not know; undefined if it knows all. */
  readonly ignored?: readonly string[]
}

/** The result of generate(). */
export interface Generated<R, T = string | readonly string[]> extends SoFar<T> {
  /** The values that the block returned, one for each time it ran; empty without a block. */
  readonly values: readonly R[]
  /**
   * The keys and values that the model has computed for these tokens: a further generation takes them as its option `cache`. Undefined after
   * a search with beams, and for models without a cache.
   */
  readonly cache?: GenerationCache
}

/** A running generation. Awaiting it gives its result. */
export interface Generating<R, T = string | readonly string[]> extends Promise<Generated<R, T>> {
  /**
   * The new text in pieces, as it comes. A piece never has a part of a character, nor text that a stop string cuts off. A loop that leaves
   * the stream ends the generation.
   * @example
   * for await (const piece of generate(model, 'Once upon', { maxNewTokens: 40 }).textStream) process.stdout.write(piece)
   */
  readonly textStream: AsyncIterable<string>
  /** The tokens and texts so far, also after an error; undefined before the prompts are known, and if the options were refused. */
  readonly soFar: SoFar<T> | undefined
}

/** The type of the text, for inputs of type `I` and the option `numSequences` of type `N`: a text for one text or chat, else a list. */
export type TextOf<I, N = undefined> = N extends number
  ? readonly string[]
  : I extends string | readonly ChatMessage[]
    ? string
    : string extends I
      ? string | readonly string[]
      : readonly string[]

interface Made {
  readonly found: readonly Found[]
  /** The prompt of each sequence, with its padding. */
  readonly prompts: readonly (readonly number[])[]
  readonly padding: number
  readonly stopStrings: readonly string[]
  readonly language: Language | undefined
  readonly isSingle: boolean
  readonly steps: number
  readonly seed: number | undefined
  readonly ignored: readonly string[]
}

export function soFarOf(state: Made): SoFar<unknown> {
  const { found, language, isSingle, steps, seed, ignored } = state
  const result = {
    ids: idsOf(state),
    finishReason: found.map(({ finishReason }) => finishReason),
    steps,
    ...(seed === undefined ? {} : { seed }),
    ...(ignored.length > 0 ? { ignored } : {}),
  }
  if (!language) return withoutTexts(result)
  const one = <V>(values: readonly V[]): V | readonly V[] => (isSingle ? values[0] : values)
  const texts = found.map(({ prompt, added }) => {
    const text = new RowText(language, prompt, state.stopStrings)
    text.take(added, true)
    return text.text
  })
  return {
    text: one(texts),
    tokens: one(found.map(({ added }) => added.map(id => language.textOf(id)))) as never,
    ...result,
  }
}

/** The prompts with the tokens that were found for them, padded to one length. */
function idsOf({ found, prompts, padding }: Made): Tensor {
  const length = Math.max(...found.map(({ added }) => added.length))
  const rows = found.map(({ added }, i) => [
    ...prompts[i],
    ...added,
    ...new Array<number>(length - added.length).fill(padding),
  ])
  return toTensor(rows, { type: 'int64' })
}

/** A result of a model without a tokenizer: whoever reads its text gets an error that says why there is none. */
function withoutTexts(result: Omit<SoFar<never>, 'text' | 'tokens'>): SoFar<unknown> {
  const refuse = (): never => {
    throw new GenerateError(
      'There is no text: the model was loaded without a tokenizer.',
      'open it with LanguageModel.load(folder), or turn `ids` into text with its own tokenizer',
    )
  }
  return Object.defineProperties(result, { text: { get: refuse }, tokens: { get: refuse } }) as SoFar<unknown>
}

/** Puts the tokens and texts so far on the error that ended a generation, as its property `generated`. */
export function noteSoFar(error: unknown, soFar: SoFar<unknown>): void {
  if (typeof error !== 'object' || error === null || !Object.isExtensible(error)) return
  Object.defineProperty(error, 'generated', { value: soFar, writable: true, configurable: true })
}
