import type { DeclaredInput } from '../errors/input.ts'
import type { Language, RunEncoder } from './language.ts'
import { namedInputs } from './named-inputs.ts'
import { padPrompts } from './prompts.ts'
import { idsInput } from './roles.ts'

/** The names of the encoder’s inputs in a model that also contains a decoder. */
const ENCODER = { ids: 'input_ids', mask: 'attention_mask' }

/**
 * A model’s inputs with ids in the place of texts and chats. Rows of unequal length stay so: `fillInputs` and `generate` pad them.
 * @throws PromptError
 */
export function textsToIds(declared: readonly DeclaredInput[], inputs: unknown, language: Language): unknown {
  const own = idsInput(declared)
  if (own === undefined) return inputs
  const isSeq2Seq = own !== ENCODER.ids && declared.some(({ name }) => name === ENCODER.ids)
  const prompt = language.encode(inputs)
  if (prompt)
    return isSeq2Seq ? withDecoder({ ...encoderInputs(prompt, declared, language) }, own, language) : { [own]: prompt }
  const byName = namedInputs(inputs)
  if (!byName) return inputs
  const named: Record<string, unknown> = { ...byName }
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

/** Adds the decoder’s ids, unless they are given: the token that the model’s files name, in each row. */
function withDecoder(named: Record<string, unknown>, ids: string, language: Language): Record<string, unknown> {
  const start = language.decoderStartTokenId
  const rows = named[ENCODER.ids]
  if (named[ids] !== undefined || start === undefined || !Array.isArray(rows)) return named
  return { ...named, [ids]: rows.map(() => [start]) }
}

/** The inputs of a decoder whose encoder is a separate graph. Undefined if `inputs` is no prompt. @throws PromptError */
export function decoderInputs(
  declared: readonly DeclaredInput[],
  inputs: unknown,
  language: Language,
  runEncoder: RunEncoder,
): Promise<Record<string, unknown>> | undefined {
  const ids = idsInput(declared)
  const start = language.decoderStartTokenId
  const prompts = ids === undefined || start === undefined ? undefined : language.encode(inputs)
  if (ids === undefined || !prompts) return undefined
  const padded = padPrompts(prompts, 'right', language.padTokenId)
  const hasMask = declared.some(({ name }) => name === 'encoder_attention_mask')
  return runEncoder(padded.ids, padded.mask).then(states => ({
    encoder_hidden_states: states,
    ...(hasMask ? { encoder_attention_mask: padded.mask } : {}),
    [ids]: prompts.map(() => [start]),
  }))
}
