import { TRACE_OPTIONS, type TraceOptions } from '../tracing/tracer.ts'
import { BEAM_OPTIONS, type BeamOptions } from './beams.ts'
import { DRAW_OPTIONS, type DrawOptions } from './draw.ts'
import type { EncoderModel } from './encode.ts'
import { END_OPTIONS, type EndOptions } from './endings.ts'
import type { GenerationCache } from './kept-cache.ts'
import { SCORE_OPTIONS, type ScoreOptions } from './scores.ts'

/** Options of generate(). The defaults of those that are left out are in the model's generation_config.json, if it was loaded with one. */
export interface GenerateOptions extends TraceOptions, DrawOptions, ScoreOptions, EndOptions, BeamOptions {
  /** The most tokens to add to each prompt: one in each step. It must be given if the model has no default for it. */
  readonly maxNewTokens?: number
  /** How many continuations of each prompt the result has. More than one must be drawn, or be beams. @default 1 */
  readonly numSequences?: number
  /** The token that pads short prompts on the left, and rows that have ended on the right. @default the (first) eosTokenId, or 0 */
  readonly padTokenId?: number
  /** The cache of an earlier generation. Its tokens are not computed again, as far as the prompts here begin with them. */
  readonly cache?: GenerationCache | undefined
  /**
   * The encoder of an encoder–decoder model in two files. It runs once, on the inputs that it declares, and this model reads its states.
   * If the decoder's texts begin with more than one token, pass these tokens as the input `decoder_input_ids`.
   */
  readonly encoder?: EncoderModel
  /** The token that texts of the decoder begin with. @default what the model's files say */
  readonly decoderStartTokenId?: number
  /** The output that holds the logits. @default `logits`, or the only one that can be */
  readonly logits?: string
  /** Called with each piece of new text as it comes, and the number of the sequence that it belongs to. A beam search calls it at its end. */
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
