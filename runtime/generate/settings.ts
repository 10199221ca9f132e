import { GenerateError } from '../errors/generate.ts'
import type { Language } from '../language-inputs/language.ts'
import { knownOptions } from '../tensor/arguments/known-options.ts'
import { checkBeams } from './beams.ts'
import { checkOption, isCount, isToken } from './check-option.ts'
import { asksForDraws, checkDraw } from './draw.ts'
import { checkEnds } from './endings.ts'
import { type ModelDefaults, modelDefaults } from './model-defaults.ts'
import { GENERATE_OPTIONS, type GenerateOptions } from './options.ts'
import { checkScores } from './scores.ts'

/** The options after they were checked, with the model's defaults for those that are left out. */
export interface Settings extends Omit<GenerateOptions, 'badWords' | 'stopStrings'> {
  readonly maxNewTokens: number
  readonly numSequences: number
  readonly numBeams: number
  readonly doSample: boolean
  readonly padTokenId: number
  readonly badWords: readonly (readonly number[])[]
  readonly stopStrings: readonly string[]
  /** Settings in the model's files that generate() does not know. */
  readonly ignored: readonly string[]
}

/** The token that pads short prompts. */
export function paddingOf(options: GenerateOptions, language: Language | undefined): number {
  const { padTokenId, eosTokenId } = options
  const own = padTokenId ?? [eosTokenId ?? []].flat()[0]
  return own ?? language?.padTokenId ?? 0
}

/**
 * @param width the number of tokens of the longest prompt
 * @throws GenerateError for options that make no sense, alone or together
 */
export function settingsOf(unchecked: GenerateOptions, language: Language | undefined, width: number): Settings {
  const userOptions = knownOptions('generate()', unchecked, GENERATE_OPTIONS)
  const defaults = language && modelDefaults(language)
  const options: GenerateOptions = { ...defaults?.options, ...definedOf(userOptions) }
  checkOption('padTokenId', options.padTokenId, isToken, 'a token id')
  checkOption('decoderStartTokenId', options.decoderStartTokenId, isToken, 'a token id')
  for (const check of [checkDraw, checkScores, checkEnds, checkBeams]) check(options)
  const { numSequences = 1 } = options
  checkOption('numSequences', numSequences, isCount, 'a whole number above 0')
  const doSample =
    userOptions.doSample ??
    (asksForDraws(userOptions) || (!userOptions.numBeams && defaults?.options.doSample === true))
  // A caller who asks for drawn tokens gets no beams if these are only the model's default.
  const numBeams = (doSample ? userOptions.numBeams : options.numBeams) ?? 1
  assertTogether({ doSample, numBeams, numSequences })
  return {
    ...options,
    maxNewTokens: maxNewTokens(options, defaults, width),
    numSequences,
    numBeams,
    doSample,
    padTokenId: paddingOf(userOptions, language),
    badWords: badWordIds(options.badWords ?? [], language),
    stopStrings: stopStrings(options.stopStrings, language),
    ignored: defaults?.ignored ?? [],
  }
}

/** The options that are not undefined: an undefined one counts as not given. */
const definedOf = <O extends object>(options: O): O =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as O

function maxNewTokens({ maxNewTokens }: GenerateOptions, defaults: ModelDefaults | undefined, width: number): number {
  const most = maxNewTokens ?? (defaults?.maxLength === undefined ? undefined : defaults.maxLength - width)
  if (most !== undefined && isCount(most)) return most
  if (maxNewTokens === undefined && most !== undefined)
    throw new GenerateError(
      `The prompt has ${width} tokens, and the model’s generation_config.json allows ${defaults!.maxLength} with what is added.`,
      'say how many tokens to add at most, { maxNewTokens: 20 }, or shorten the prompt',
    )
  throw new GenerateError(
    `maxNewTokens is ${maxNewTokens}, and must be a whole number above 0.`,
    'say how many tokens to add at most: { maxNewTokens: 20 }',
  )
}

function assertTogether({
  doSample,
  numBeams,
  numSequences,
}: Pick<Settings, 'doSample' | 'numBeams' | 'numSequences'>): void {
  if (numBeams > 1 && doSample)
    throw new GenerateError(
      'Beams are searched for, not drawn: numBeams does not go with options that draw tokens.',
      'leave out numBeams, or write doSample: false',
    )
  if (numBeams > 1 && numSequences > numBeams)
    throw new GenerateError(
      `numSequences is ${numSequences}, but there are only ${numBeams} beams.`,
      `give at least as many beams: { numBeams: ${numSequences} }`,
    )
  if (numBeams === 1 && numSequences > 1 && !doSample)
    throw new GenerateError(
      `numSequences is ${numSequences}, but the likeliest tokens are the same each time.`,
      'draw tokens, { temperature: 1 }, or search with beams, { numBeams: … }',
    )
}

function badWordIds(
  words: NonNullable<GenerateOptions['badWords']>,
  language: Language | undefined,
): (readonly number[])[] {
  return words.flatMap(word => {
    if (typeof word !== 'string') return [word]
    if (!language) throw withoutTokenizer('badWords', 'give the words as lists of token ids')
    // Most tokenizers have other tokens for a word after a space.
    const spellings = word.startsWith(' ') ? [word] : [word, ` ${word}`]
    return spellings.map(text => language.tokenizer.encode(text, { add_special_tokens: false }).ids)
  })
}

function stopStrings(texts: GenerateOptions['stopStrings'], language: Language | undefined): readonly string[] {
  const strings = [texts ?? []].flat() as readonly string[]
  if (strings.length > 0 && !language) throw withoutTokenizer('stopStrings', 'give token ids: { stopTokens: [13] }')
  return strings
}

const withoutTokenizer = (option: string, otherwise: string): GenerateError =>
  new GenerateError(
    `${option} has texts, but the model was loaded without a tokenizer.`,
    `open it with LanguageModel.load(folder), or ${otherwise}`,
  )
