import { GenerateError } from '../errors/generate.ts'
import { knownOptions } from '../tensor/arguments/known-options.ts'
import { TRACE_OPTIONS, type TraceOptions } from '../tracing/tracer.ts'
import { BEAM_OPTIONS, type BeamOptions, checkBeams } from './beams.ts'
import { checkOption, isCount, isToken } from './check-option.ts'
import { asksForDraws, checkDraw, DRAW_OPTIONS, type DrawOptions } from './draw.ts'
import { checkEnds, END_OPTIONS, type EndOptions } from './endings.ts'
import { checkScores, SCORE_OPTIONS, type ScoreOptions } from './scores.ts'

/** Options of generate(). */
export interface GenerateOptions extends TraceOptions, DrawOptions, ScoreOptions, EndOptions, BeamOptions {
  /** The most tokens to be added to each prompt: one in each step. @default the model's own default; without one it must be given */
  readonly maxNewTokens?: number
  /** How many continuations of each prompt are given: they must be drawn, or be beams. @default 1 */
  readonly numSequences?: number
  /** What rows that are done are filled up with, and short prompts on the left. @default the (first) eosTokenId, or 0 */
  readonly padTokenId?: number
  /** The output that holds the logits. @default `logits`, or the only one that can be */
  readonly logits?: string
}

const OPTIONS = [
  ...['maxNewTokens', 'numSequences', 'padTokenId', 'logits'],
  ...DRAW_OPTIONS,
  ...SCORE_OPTIONS,
  ...END_OPTIONS,
  ...BEAM_OPTIONS,
  ...TRACE_OPTIONS,
]

/** Options that were checked. */
export interface Settings extends GenerateOptions {
  readonly maxNewTokens: number
  readonly numSequences: number
  readonly numBeams: number
  readonly doSample: boolean
  readonly padTokenId: number
}

/** @throws GenerateError for options that make no sense, or none together */
export function settingsOf(given: GenerateOptions): Settings {
  const options = knownOptions('generate()', given, OPTIONS)
  const { maxNewTokens, numSequences = 1, numBeams = 1, padTokenId, eosTokenId } = options
  if (maxNewTokens === undefined || !isCount(maxNewTokens))
    throw new GenerateError(
      `maxNewTokens is ${maxNewTokens}, and must be a whole number above 0.`,
      'say how many tokens to add at most: { maxNewTokens: 20 }',
    )
  checkOption('numSequences', numSequences, isCount, 'a whole number above 0')
  checkOption('padTokenId', padTokenId, isToken, 'a token id')
  for (const check of [checkDraw, checkScores, checkEnds, checkBeams]) check(options)
  const doSample = options.doSample ?? asksForDraws(options)
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
  return {
    ...options,
    maxNewTokens,
    numSequences,
    numBeams,
    doSample,
    padTokenId: padTokenId ?? [eosTokenId ?? 0].flat()[0] ?? 0,
  }
}
