import type { ModelMembers } from '../model/model.ts'
import { type LanguageMembers, type LanguageModel as Loaded, languageMembersOf } from './handle.ts'
import type { LanguageModelOptions } from './options.ts'

/** A language model with its tokenizer. It also takes texts where `Model` takes token ids. */
export type LanguageModel = Loaded

/** Opens language models. */
export const LanguageModel = {
  /**
   * Opens a model with its tokenizer: from a folder in the form that transformers.js and optimum write, from an .onnx file beside its tokenizer,
   * from a folder of the Hugging Face cache, or by its name on the hub.
   * `LanguageModel.load<Chars>(…)` uses the module types that `npx onnsight types` wrote.
   * @throws LanguageModelError, HubError, and the errors of `load`
   * @example
   * const model = await LanguageModel.load('gpt2-onnx')
   * const logits = await model.trace('The Eiffel Tower is in', m => m.lm_head.output)
   */
  async load<M extends ModelMembers = LanguageModel>(
    source: string | URL,
    options?: LanguageModelOptions,
  ): Promise<M & LanguageMembers> {
    // The libraries for tokenizers and templates are loaded with the first language model.
    const { loadLanguageModel } = await import('./load.ts')
    return (await loadLanguageModel(source, options)) as unknown as M & LanguageMembers
  },
  /** The members that a language model has beside those of every model, also if a module has the name of such a member. */
  of(model: LanguageModel): LanguageMembers {
    return languageMembersOf(model)
  },
} as const
