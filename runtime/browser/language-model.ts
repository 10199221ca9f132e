import { type LanguageMembers, type LanguageModel as Loaded, languageMembersOf } from '../language-model/handle.ts'
import type { LanguageModelOptions } from '../language-model/options.ts'
import type { ModelMembers } from '../model/model.ts'

/** A language model with its tokenizer. It also takes texts where `Model` takes token ids. */
export type LanguageModel = Loaded

/** Opens language models. */
export const LanguageModel = {
  /**
   * Opens a model with its tokenizer: from the address of a folder in the form that transformers.js and optimum write, or of an .onnx file
   * beside its tokenizer; from the Files of a folder; or by its name on the hub. @throws LanguageModelError, and the errors of `load`
   * @example
   * const model = await LanguageModel.load('/models/gpt2')
   * const logits = await model.trace('The Eiffel Tower is in', m => m.lm_head.output)
   */
  async load<M extends ModelMembers = LanguageModel>(
    source: string | URL | readonly File[],
    options?: LanguageModelOptions,
  ): Promise<M & LanguageMembers> {
    // The libraries for tokenizers and templates are loaded with the first language model.
    const { loadLanguageModel } = await import('./load-language-model.ts')
    return (await loadLanguageModel(source, options)) as unknown as M & LanguageMembers
  },
  /** The members that a language model has beside those of every model, also if a module has the name of such a member. */
  of(model: LanguageModel): LanguageMembers {
    return languageMembersOf(model)
  },
} as const
