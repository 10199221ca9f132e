import type { DeclaredInput } from '../errors/input.ts'
import { isPlain } from '../tensor/arguments/plain-objects.ts'
import type { Language } from './language.ts'
import { padPrompts } from './prompts.ts'
import { idsInput } from './roles.ts'

/** The names of the encoder’s inputs in a model that has a decoder too. */
const ENCODER = { ids: 'input_ids', mask: 'attention_mask' }

/**
 * A model’s inputs with ids in the place of texts and chats. Rows of unequal length stay so: `fillInputs` and `generate` pad them.
 * @throws PromptError
 */
export function textsToIds(declared: readonly DeclaredInput[], given: unknown, language: Language): unknown {
  const own = idsInput(declared)
  if (own === undefined) return given
  const isSeq2Seq = own !== ENCODER.ids && declared.some(({ name }) => name === ENCODER.ids)
  const prompt = language.encode(given)
  if (prompt)
    return isSeq2Seq ? withDecoder({ ...encoderInputs(prompt, declared, language) }, own, language) : { [own]: prompt }
  if (typeof given !== 'object' || given === null || !isPlain(given)) return given
  const named: Record<string, unknown> = { ...given }
  for (const name of [own, ENCODER.ids]) {
    const ids = language.encode(named[name])
    if (!ids) continue
    if (name === own) named[name] = ids
    else Object.assign(named, encoderInputs(ids, declared, language))
  }
  return isSeq2Seq ? withDecoder(named, own, language) : named
}

function encoderInputs(
  rows: number[][],
  declared: readonly DeclaredInput[],
  language: Language,
): Record<string, unknown> {
  const { ids, mask } = padPrompts(rows, 'right', language.padTokenId)
  const hasMask = declared.some(({ name }) => name === ENCODER.mask)
  return { [ENCODER.ids]: ids, ...(hasMask ? { [ENCODER.mask]: mask } : {}) }
}

/** The decoder begins with the token that the model’s files name. */
function withDecoder(named: Record<string, unknown>, ids: string, language: Language): Record<string, unknown> {
  const start = language.generationConfig.decoder_start_token_id ?? language.config.decoder_start_token_id
  const rows = named[ENCODER.ids]
  if (named[ids] !== undefined || typeof start !== 'number' || !Array.isArray(rows)) return named
  return { ...named, [ids]: rows.map(() => [start]) }
}
