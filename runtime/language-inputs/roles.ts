import type { DeclaredInput } from '../errors/input.ts'

/** The purpose of an input of a language model, if onnsight can compute it from the others. */
export type Role =
  | 'mask'
  | 'encoder-mask'
  | 'positions'
  | 'cache-positions'
  | 'token-types'
  | 'past'
  | 'cache-switch'
  | 'logits-kept'

/** Names that exporters give to past caches of keys and values. */
export const PAST = /^past(_key_values?|_kv)?(?=[._])/

/** Roles by the names that exporters use (optimum, transformers.js, onnxruntime-genai). */
const NAMES: readonly (readonly [RegExp, Role])[] = [
  [/^(decoder_)?attention_mask$/, 'mask'],
  [/^encoder_attention_mask$/, 'encoder-mask'],
  [/^(decoder_)?position_ids$/, 'positions'],
  [/^cache_position$/, 'cache-positions'],
  [/^token_type_ids$/, 'token-types'],
  [PAST, 'past'],
  [/^use_cache_branch$/, 'cache-switch'],
  [/^num_logits_to_keep$/, 'logits-kept'],
]

/** Matches inputs that the rows of a batch share. */
export const SHARED_BY_ROWS = /^(cache_position|use_cache_branch|num_logits_to_keep)$/

/** The input for token ids: the decoder's, if the model has an encoder too. */
export function idsInput(declared: readonly DeclaredInput[]): string | undefined {
  return ['decoder_input_ids', 'input_ids'].find(name => declared.some(input => input.name === name))
}

/**
 * The role of an input of a model that takes token ids; undefined if only the user can know its value, and for other models. If the decoder
 * has ids of its own, `attention_mask` is the encoder's mask.
 */
export function roleOf(input: DeclaredInput, declared: readonly DeclaredInput[]): Role | undefined {
  const ids = idsInput(declared)
  if (ids === undefined) return undefined
  const role = NAMES.find(([pattern]) => pattern.test(input.name))?.[1]
  const isOfEncoder =
    ids === 'decoder_input_ids' && (role === 'mask' || role === 'positions') && !input.name.startsWith('decoder_')
  if (isOfEncoder) return role === 'mask' ? 'encoder-mask' : undefined
  if (role === 'past') return /float/.test(input.type) ? role : undefined
  return role === 'cache-switch' || /int/.test(input.type) || (role === 'mask' && /bool|float/.test(input.type))
    ? role
    : undefined
}
