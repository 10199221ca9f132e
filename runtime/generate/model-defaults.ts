import type { Language } from '../language-inputs/language.ts'
import type { GenerateOptions } from './options.ts'

/** What a model's own files say about generation. */
export interface ModelDefaults {
  readonly options: GenerateOptions
  /** The most tokens that prompt and new text may have together. */
  readonly maxLength: number | undefined
  /** Settings of generation_config.json that would change the result, and that generate() does not know. */
  readonly ignored: readonly string[]
}

/** The options of generate() for the settings of transformers' GenerationConfig. */
const OPTIONS: Readonly<Record<string, keyof GenerateOptions>> = {
  max_new_tokens: 'maxNewTokens',
  min_new_tokens: 'minNewTokens',
  do_sample: 'doSample',
  temperature: 'temperature',
  top_k: 'topK',
  top_p: 'topP',
  min_p: 'minP',
  typical_p: 'typicalP',
  repetition_penalty: 'repetitionPenalty',
  no_repeat_ngram_size: 'noRepeatNgramSize',
  bad_words_ids: 'badWords',
  suppress_tokens: 'suppressTokens',
  begin_suppress_tokens: 'beginSuppressTokens',
  stop_strings: 'stopStrings',
  num_beams: 'numBeams',
  length_penalty: 'lengthPenalty',
  early_stopping: 'earlyStopping',
}

/** Values that switch a setting off, and that the option of generate() does not allow. */
const OFF: Readonly<Record<string, unknown>> = { top_k: 0, no_repeat_ngram_size: 0, temperature: 0, top_p: 0 }

/** Settings that generate() ignores, each with the value that has no effect. A setting with that value is not listed as ignored. */
const UNKNOWN: Readonly<Record<string, unknown>> = {
  min_length: 0,
  num_return_sequences: 1,
  num_beam_groups: 1,
  diversity_penalty: 0,
  encoder_repetition_penalty: 1,
  encoder_no_repeat_ngram_size: 0,
  epsilon_cutoff: 0,
  eta_cutoff: 0,
  top_h: null,
  penalty_alpha: 0,
  guidance_scale: 1,
  exponential_decay_length_penalty: null,
  sequence_bias: null,
  forced_bos_token_id: null,
  forced_eos_token_id: null,
  force_words_ids: null,
  constraints: null,
  renormalize_logits: false,
  remove_invalid_values: false,
  watermarking_config: null,
  max_time: null,
}

/** The defaults in a model's files. */
export function modelDefaults({ generationConfig, eosTokenIds, padTokenId }: Language): ModelDefaults {
  const isSet = (name: string): boolean => generationConfig[name] !== undefined && generationConfig[name] !== null
  const options = Object.entries(OPTIONS).flatMap(([name, own]) =>
    isSet(name) && generationConfig[name] !== OFF[name] ? [[own, generationConfig[name]] as const] : [],
  )
  const { max_length } = generationConfig
  return {
    options: {
      ...(Object.fromEntries(options) as GenerateOptions),
      ...(eosTokenIds.length > 0 ? { eosTokenId: eosTokenIds } : {}),
      padTokenId,
    },
    maxLength: typeof max_length === 'number' ? max_length : undefined,
    ignored: Object.entries(UNKNOWN).flatMap(([name, neutral]) =>
      isSet(name) && generationConfig[name] !== neutral ? [name] : [],
    ),
  }
}
