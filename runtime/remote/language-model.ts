import { type LanguageMembers, type LanguageModel as Loaded, languageMembersOf } from '../language-model/handle.ts'
import type { LanguageModelOptions } from '../language-model/options.ts'
import type { ModelMembers } from '../model/model.ts'
import { isServer, loadRemoteLanguageModel } from './load.ts'

/** A language model with its tokenizer. It also takes texts where `Model` takes token ids. */
export type LanguageModel = Loaded

/** Opens language models. */
export const LanguageModel = {
  /**
   * Opens a model with its tokenizer: from a folder in the form that transformers.js and optimum write, from an .onnx file beside its tokenizer,
   * from a folder of the Hugging Face cache, by its name on the hub, or by its address on a server of `onnsight serve`, with the server's `token`:
   * then its weights stay there.
   * `LanguageModel.load<Chars>(…)` uses the module types that `npx onnsight types` wrote.
   * @throws LanguageModelError, HubError, RemoteError, and the errors of `load`
   * @example
   * const model = await LanguageModel.load('gpt2-onnx')
   * const logits = await model.trace('The Eiffel Tower is in', m => m.lm_head.output)
   */
  async load<M extends ModelMembers = LanguageModel>(
    source: string | URL,
    options?: LanguageModelOptions,
  ): Promise<M & LanguageMembers> {
    if (isServer(source)) return (await loadRemoteLanguageModel(source, options)) as unknown as M & LanguageMembers
    // The libraries for tokenizers and templates are loaded with the first language model.
    const { loadLanguageModel } = await import('../language-model/load.ts')
    return (await loadLanguageModel(source, options)) as unknown as M & LanguageMembers
  },
  /** The members that a language model has beside those of every model, also if a module has the name of such a member. */
  of(model: LanguageModel): LanguageMembers {
    return languageMembersOf(model)
  },
} as const
