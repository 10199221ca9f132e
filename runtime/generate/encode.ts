import { GenerateError } from '../errors/generate.ts'
import type { Language } from '../language-inputs/language.ts'
import { namedInputs } from '../language-inputs/named-inputs.ts'
import { hasStates } from '../language-inputs/texts.ts'
import { Tensor } from '../tensor/tensor.ts'
import { type Traceable, traceable } from '../tracing/traceable.ts'
import type { TraceOptions } from '../tracing/tracer.ts'
import type { Decoder } from './decoder.ts'

/** A model whose states a decoder reads: the encoder of an encoder–decoder model in two files. */
export interface EncoderModel {
  run(inputs: never, options?: TraceOptions): Promise<Record<string, Tensor>>
}

/** The decoder's inputs for the encoder's states, and for their mask. */
const STATES = 'encoder_hidden_states'
const STATES_MASK = 'encoder_attention_mask'
const MASK = 'attention_mask'
const PROMPT = 'decoder_input_ids'

/** Whether the encoder need not run: the inputs already have its states, or, with `null`, invokes bring the inputs. */
export const needsNoEncoder = (inputs: unknown): boolean => inputs === null || hasStates(namedInputs(inputs) ?? {})

export interface Encoding {
  readonly decoder: Decoder
  readonly inputs: unknown
  readonly encoder: EncoderModel
  readonly language: Language | undefined
  /** The decoder's first token, if the caller gave it. Otherwise the model's files say it. */
  readonly start: number | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * Runs the encoder on its inputs, and returns the decoder's inputs: the states, their mask, and the tokens that the decoder's texts begin with.
 * @throws GenerateError
 */
export async function encode({ decoder, inputs, encoder, language, start, signal }: Encoding): Promise<unknown> {
  const target = (encoder as Partial<Record<typeof traceable, () => Traceable>>)?.[traceable]?.()
  if (!target) throw new GenerateError('encoder is no model.', "pass what `await load('encoder_model.onnx')` gives")
  const own = target.inputs.map(({ name }) => name)
  const named = namedInputs(inputs) ?? { [own[0]]: inputs }
  const split = (isOwn: boolean) => Object.entries(named).filter(([name]) => own.includes(name) === isOwn)
  const fed = target.prepare(Object.fromEntries(split(true)))
  const feeds = Object.fromEntries([...fed].map(([name, data]) => [name, Tensor.of(data)]))
  const outputs = await encoder.run(feeds as never, signal ? { signal } : {})
  const states = statesOf(outputs)
  const { [PROMPT]: prompt, [decoder.ids]: ids, ...others } = Object.fromEntries(split(false))
  const mask = fed.get(MASK)
  const hasMask = mask !== undefined && decoder.inputNames.includes(STATES_MASK)
  return {
    [STATES]: states,
    ...(hasMask ? { [STATES_MASK]: Tensor.of(mask) } : {}),
    ...others,
    [decoder.ids]: prompt ?? ids ?? new Array(states.dims[0]).fill(beginning(language, start)),
  }
}

function statesOf(outputs: Readonly<Record<string, Tensor>>): Tensor {
  const found = outputs.last_hidden_state ?? Object.values(outputs).find(({ dims }) => dims.length === 3)
  if (found) return found
  throw new GenerateError(
    `The encoder has no output with states; its outputs are ${Object.keys(outputs).join(', ')}.`,
    `run it yourself, and pass the states to generate() as { ${STATES}: … }`,
  )
}

/** The tokens that the decoder's texts begin with. @throws GenerateError */
function beginning(language: Language | undefined, start: number | undefined): readonly number[] {
  const found = language ? language.decoderStart(start) : start === undefined ? undefined : [start]
  if (found) return found
  throw new GenerateError(
    'The token that the decoder’s texts begin with is not known.',
    `pass { decoderStartTokenId: … }, or the decoder’s own prompt: { ${PROMPT}: [[0]] }`,
  )
}
