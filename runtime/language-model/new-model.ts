import { LanguageModelError } from '../errors/language-model.ts'
import type { Language } from '../language-inputs/language.ts'
import type { Tokenizer } from '../language-inputs/tokenizer.ts'
import type { LoadedModel } from '../model/loaded/loaded-model.ts'
import type { Model } from '../model/model.ts'
import type { ModelExtension } from '../model/open.ts'
import { type LanguageModel, LanguageModelHandle } from './handle.ts'

/** Opens a graph as the model of a language. @throws LanguageModelError for a tokenizer with ids that the model lacks */
export async function newLanguageModel(
  language: Language,
  open: (extension: ModelExtension) => Promise<Model>,
): Promise<LanguageModel> {
  let found: LoadedModel | undefined
  const model = await open({
    language,
    newHandle: loaded => {
      found = loaded
      return new LanguageModelHandle(loaded, language)
    },
  })
  const rows = found?.limits.find(({ kind }) => kind === 'token')?.rows
  const size = rows === undefined ? undefined : sizeBeyond(language.tokenizer, rows)
  if (size !== undefined) {
    await model.release()
    throw new LanguageModelError(
      `The tokenizer has ${size} tokens, but ${model.name} has only ${rows}: it belongs to another model.`,
      'give the tokenizer.json that the model was published with',
    )
  }
  return model as unknown as LanguageModel
}

/**
 * The number of a tokenizer's tokens, if there are more than these; undefined if not. Tokens that were added to a vocabulary later may lie
 * beyond a model's own, as long as nobody writes them.
 */
function sizeBeyond(tokenizer: Tokenizer, rows: number): number | undefined {
  const added = tokenizer.get_added_tokens_decoder()
  let size: number | undefined
  for (let id = rows; tokenizer.id_to_token(id) !== undefined; id++) if (!added.has(id)) size = id + 1
  return size
}
