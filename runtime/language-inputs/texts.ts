import type { DeclaredInput } from '../errors/input.ts'
import { PromptError } from '../errors/prompt.ts'
import type { Language, StatesEncoder } from './language.ts'
import { namedInputs } from './named-inputs.ts'
import { padPrompts } from './prompts.ts'
import { idsInput, PAST } from './roles.ts'

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

/** Adds the decoder’s ids, unless they are given: the tokens that the model’s files name, in each row. */
function withDecoder(named: Record<string, unknown>, ids: string, language: Language): Record<string, unknown> {
  const start = language.decoderStart()
  const rows = named[ENCODER.ids]
  if (named[ids] !== undefined || start === undefined || !Array.isArray(rows)) return named
  return { ...named, [ids]: rows.map(() => start) }
}

/** Names of a decoder whose encoder is a separate graph: its states, their mask, and the decoder's prompt as other graphs call it. */
const DECODER = { states: 'encoder_hidden_states', mask: 'encoder_attention_mask', ids: 'decoder_input_ids' }

/** Whether the inputs have states, or keys and values of them, so that the encoder need not run. */
export const hasStates = (named: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(named).some(name => name === DECODER.states || PAST.test(name))

/**
 * The inputs of a decoder whose encoder is a separate graph, from a prompt or from inputs that the encoder takes, such as `input_features`.
 * Undefined if they are inputs of the decoder. @throws PromptError
 */
export function decoderInputs(
  declared: readonly DeclaredInput[],
  inputs: unknown,
  language: Language,
  encoder: StatesEncoder,
): Promise<Record<string, unknown>> | undefined {
  const ids = idsInput(declared)
  const start = language.decoderStart()
  if (ids === undefined) return undefined
  const isOwn = (name: string): boolean => declared.some(input => input.name === name)
  const prompts = start === undefined ? undefined : language.encode(inputs)
  if (prompts && !encoder.inputs.includes(ENCODER.ids))
    throw new PromptError(
      `The encoder of this model takes ${encoder.inputs.join(', ')}, and no text.`,
      `pass { ${encoder.inputs[0]}: … }, and a text for the decoder as ${DECODER.ids}`,
    )
  const named = prompts ? paddedPrompts(prompts, encoder, language) : namedInputs(inputs)
  if (!named || (!prompts && hasStates(named))) return undefined
  const isOfEncoder = (name: string): boolean =>
    encoder.inputs.includes(name) && (prompts !== undefined || !isOwn(name))
  const fed = Object.keys(named).filter(isOfEncoder)
  if (!fed.some(name => name !== ENCODER.mask)) return undefined
  return encoder.states(Object.fromEntries(fed.map(name => [name, named[name]]))).then(states => {
    const { [DECODER.ids]: prompt, ...others } = Object.fromEntries(
      Object.entries(named).filter(([name]) => !isOfEncoder(name)),
    )
    const mask = named[ENCODER.mask]
    return {
      [DECODER.states]: states,
      ...(mask !== undefined && isOwn(DECODER.mask) ? { [DECODER.mask]: mask } : {}),
      ...(start ? { [ids]: new Array(states.dims[0]).fill(start) } : {}),
      ...others,
      ...(prompt === undefined ? {} : { [ids]: prompt }),
    }
  })
}

function paddedPrompts(prompts: number[][], { inputs }: StatesEncoder, language: Language): Record<string, unknown> {
  const { ids, mask } = padPrompts(prompts, 'right', language.padTokenId)
  return { [ENCODER.ids]: ids, ...(inputs.includes(ENCODER.mask) ? { [ENCODER.mask]: mask } : {}) }
}
