import { GenerateError } from '../errors/generate.ts'
import type { Language } from '../language-inputs/language.ts'
import type { ChatMessage } from '../language-inputs/prompt.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { toTensor } from '../tensor/values/convert.ts'
import type { FinishReason } from './endings.ts'
import type { GenerationCache } from './kept-cache.ts'
import { RowText } from './row-text.ts'
import type { Found } from './search.ts'

/** What a generation has made up to now. `T` is a text, or a list with one for each sequence. */
export interface SoFar<T = string | readonly string[]> {
  /**
   * The new text, without special tokens: one text for one text or chat, else a list. It ends where a stop string begins.
   * @throws GenerateError if the model was loaded without a tokenizer
   */
  readonly text: T
  /** The new tokens as texts: a list, or one list for each sequence. @throws GenerateError without a tokenizer */
  readonly tokens: T extends string ? readonly string[] : readonly (readonly string[])[]
  /** The prompts and what was added to them: int64, `[sequences, tokens]`. The sequences of one prompt follow each other. */
  readonly ids: Tensor
  /** Why each sequence ended. */
  readonly finishReason: readonly FinishReason[]
  /** How many steps there were: one token each. */
  readonly steps: number
  /** Of the tokens that were drawn: generate() with it draws the same ones. */
  readonly seed?: number
  /** Settings of the model's generation_config.json that generate() does not know; undefined if it knows all. */
  readonly ignored?: readonly string[]
}

/** What generate() gives. */
export interface Generated<R, T = string | readonly string[]> extends SoFar<T> {
  /** What the block returned, each time it ran; empty without a block. */
  readonly values: readonly R[]
  /** What the model has computed for these tokens: the option `cache` of a generation that goes on. None of beams, nor of models without a cache. */
  readonly cache?: GenerationCache
}

/** A generation that goes on: awaiting it gives its result. */
export interface Generating<R, T = string | readonly string[]> extends Promise<Generated<R, T>> {
  /**
   * The new text in pieces, as it comes: never a half character, nor what a stop string cuts off. To leave it ends the generation.
   * @example
   * for await (const piece of generate(model, 'Once upon', { maxNewTokens: 40 }).textStream) process.stdout.write(piece)
   */
  readonly textStream: AsyncIterable<string>
  /** What there is up to now, also after an error; undefined where the options were refused. */
  readonly soFar: SoFar<T> | undefined
}

/** What the text is of inputs `I` and of so many sequences `N`: a text for one text or chat, else a list. */
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

/** The prompts with what was found for them, filled up to one length. */
function idsOf({ found, prompts, padding }: Made): Tensor {
  const length = Math.max(...found.map(({ added }) => added.length))
  const rows = found.map(({ added }, i) => [
    ...prompts[i],
    ...added,
    ...new Array<number>(length - added.length).fill(padding),
  ])
  return toTensor(rows, { type: 'int64' })
}

/** A result of a model without a tokenizer: who asks for a text is told why there is none. */
function withoutTexts(result: Omit<SoFar<never>, 'text' | 'tokens'>): SoFar<unknown> {
  const refuse = (): never => {
    throw new GenerateError(
      'There is no text: the model was loaded without a tokenizer.',
      'open it with LanguageModel.load(folder), or turn `ids` into text with its own tokenizer',
    )
  }
  return Object.defineProperties(result, { text: { get: refuse }, tokens: { get: refuse } }) as SoFar<unknown>
}

/** What there is up to now goes with the error that ended a generation. */
export function noteSoFar(error: unknown, soFar: SoFar<unknown>): void {
  if (typeof error !== 'object' || error === null || !Object.isExtensible(error)) return
  Object.defineProperty(error, 'generated', { value: soFar, writable: true, configurable: true })
}
