import { TRACE_OPTIONS, type TraceOptions } from '../tracing/tracer.ts'
import { BEAM_OPTIONS, type BeamOptions } from './beams.ts'
import { DRAW_OPTIONS, type DrawOptions } from './draw.ts'
import type { EncoderModel } from './encode.ts'
import { END_OPTIONS, type EndOptions } from './endings.ts'
import type { GenerationCache } from './kept-cache.ts'
import { SCORE_OPTIONS, type ScoreOptions } from './scores.ts'

/** Options of generate(). What is left out is as the model's generation_config.json says, if it was loaded with one. */
export interface GenerateOptions extends TraceOptions, DrawOptions, ScoreOptions, EndOptions, BeamOptions {
  /** The most tokens to be added to each prompt: one in each step. Without a default of the model's it must be given. */
  readonly maxNewTokens?: number
  /** How many continuations of each prompt are given: they must be drawn, or be beams. @default 1 */
  readonly numSequences?: number
  /** What rows that are done are filled up with, and short prompts on the left. @default the (first) eosTokenId, or 0 */
  readonly padTokenId?: number
  /** What an earlier generation has computed: tokens that the whole prompts here begin with, too, are not computed again. */
  readonly cache?: GenerationCache | undefined
  /**
   * Of an encoder–decoder model in two files, the encoder: it runs once, on the inputs that it declares, and this model reads its states.
   * Their own prompt, if the texts don't begin with one token, is the input `decoder_input_ids`.
   */
  readonly encoder?: EncoderModel
  /** The token that texts of the decoder begin with. @default what the model's files say */
  readonly decoderStartTokenId?: number
  /** The output that holds the logits. @default `logits`, or the only one that can be */
  readonly logits?: string
  /** Called with each piece of new text as it comes, and the number of the sequence that it belongs to. Beams come at the end. */
  readonly onText?: (piece: string, sequence: number) => void
}

/** The names of the options of generate(). */
export const GENERATE_OPTIONS = [
  ...['maxNewTokens', 'numSequences', 'padTokenId', 'logits', 'onText', 'cache', 'encoder', 'decoderStartTokenId'],
  ...DRAW_OPTIONS,
  ...SCORE_OPTIONS,
  ...END_OPTIONS,
  ...BEAM_OPTIONS,
  ...TRACE_OPTIONS,
]
