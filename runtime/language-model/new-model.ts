import { LanguageModelError } from '../errors/language-model.ts'
import { warn } from '../errors/warn.ts'
import type { Language, StatesEncoder } from '../language-inputs/language.ts'
import type { Tokenizer } from '../language-inputs/tokenizer.ts'
import type { Inputs } from '../model/loaded/inputs.ts'
import type { LoadedModel } from '../model/loaded/loaded-model.ts'
import type { Model } from '../model/model.ts'
import type { ModelExtension } from '../model/open.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type LanguageModel, LanguageModelHandle } from './handle.ts'

/** The parts from which a language model is made. */
export interface LanguageParts {
  readLanguage(encoder: StatesEncoder | undefined): Promise<Language>
  /** Opens the graph that takes the ids of the text to be continued. */
  open(extension: ModelExtension): Promise<Model>
  /** Opens the encoder, if the model has it in a separate graph. */
  readonly openEncoder: (() => Promise<Model>) | undefined
}

function statesOf(encoder: Model): StatesEncoder {
  return {
    inputs: encoder.signature.inputs.map(({ name }) => name),
    async states(inputs) {
      const outputs = await encoder.run(inputs as Inputs)
      return (outputs.last_hidden_state ?? Object.values(outputs)[0]) as Tensor
    },
  }
}

/** Opens a graph as a language model. @throws LanguageModelError for a tokenizer with ids that the model lacks */
export async function newLanguageModel({ readLanguage, open, openEncoder }: LanguageParts): Promise<LanguageModel> {
  const encoder = await openEncoder?.()
  let found: LoadedModel | undefined
  let model: Model
  let language: Language
  try {
    language = await readLanguage(encoder && statesOf(encoder))
    model = await open({
      language,
      newHandle: loaded => {
        found = loaded
        return new LanguageModelHandle(loaded, { language, encoderModel: encoder })
      },
    })
  } catch (error) {
    await encoder?.release()
    throw error
  }
  const rows = found?.limits.find(({ kind }) => kind === 'token')?.rows
  const size = rows === undefined ? undefined : sizeBeyond(language.tokenizer, rows)
  if (size !== undefined) {
    await model.release()
    throw new LanguageModelError(
      `The tokenizer has ${size} tokens, but ${model.name} has only ${rows}: it belongs to another model.`,
      'give the tokenizer.json that the model was published with',
    )
  }
  if (rows !== undefined && isFarSmaller(language.tokenizer, rows))
    warn(
      `The tokenizer knows only some of the ${rows} tokens of ${model.name}: it may belong to another model. Give the tokenizer.json that the model was published with.`,
      'small-tokenizer',
    )
  return model as unknown as LanguageModel
}

/** Whether a tokenizer lacks the last tenth of the model's `rows`. Models have some spare rows, so that their number suits the hardware. */
function isFarSmaller(tokenizer: Tokenizer, rows: number): boolean {
  for (let id = rows - 1; id >= 0.9 * rows; id--) if (tokenizer.id_to_token(id) !== undefined) return false
  return rows > 1
}

/**
 * The number of a tokenizer's tokens, if it has ids beyond the model's `rows`; undefined if not. Added tokens do not count: their ids may lie
 * beyond the model's vocabulary, as long as no prompt has them.
 */
function sizeBeyond(tokenizer: Tokenizer, rows: number): number | undefined {
  const added = tokenizer.get_added_tokens_decoder()
  let size: number | undefined
  for (let id = rows; tokenizer.id_to_token(id) !== undefined; id++) if (!added.has(id)) size = id + 1
  return size
}
