import { PromptError } from '../errors/prompt.ts'
import { TraceArgumentsError } from '../errors/trace.ts'
import type { Language } from '../language-inputs/language.ts'
import { type ChatMessage, type Prompt, promptRows } from '../language-inputs/prompt.ts'
import type { GenerationConfig, Tokenizer } from '../language-inputs/tokenizer.ts'
import type { Tokens } from '../language-inputs/tokens.ts'
import type { LoadedModel } from '../model/loaded/loaded-model.ts'
import { type Model, ModelHandle, type ModelMembers, otherModelMembers } from '../model/model.ts'
import { handleOf, type Module } from '../model/modules/module.ts'
import { knownOptions } from '../tensor/arguments/known-options.ts'
import type { Edit } from '../tracing/traceable.ts'

/** Options of `decode`. */
export interface DecodeOptions {
  /** Whether special tokens, such as the one that ends a text, are left out. @default false */
  readonly skipSpecialTokens?: boolean
}

/**
 * The members of a language model, beside those of every model. If a module has the name of such a member, `model.name` is the module: then use
 * `LanguageModel.of`.
 */
export interface LanguageMembers {
  /** The encoder, if the model has it in a separate graph. It is a model too: `model.encoderModel.trace(…)`. */
  readonly encoderModel: Model | undefined
  /** The model’s tokenizer. */
  readonly tokenizer: Tokenizer
  /** The contents of config.json; empty if there is no such file. */
  readonly config: Readonly<Record<string, unknown>>
  /** The contents of generation_config.json; empty if there is no such file. */
  readonly generationConfig: GenerationConfig
  /**
   * The tokens of a text or a chat, as the model gets them. For a list, the tokens of each of its texts or chats. @throws PromptError
   * @example
   * console.log(model.tokens('The Eiffel Tower is in Paris'))
   */
  tokens(prompt: string | readonly ChatMessage[]): Tokens
  tokens(prompts: readonly (string | readonly ChatMessage[])[]): Tokens[]
  /** The text of some token ids. */
  decode(ids: readonly number[], options?: DecodeOptions): string
  /** The text that the model's chat template makes of a chat. @throws PromptError if the model has no chat template */
  chatText(messages: readonly ChatMessage[]): string
}

/** A language model with its tokenizer. It also takes texts where `Model` takes token ids. */
export type LanguageModel = ModelMembers & LanguageMembers & Module

const languageMembers: ReadonlySet<string> = new Set([
  ...otherModelMembers,
  ...['encoderModel', 'tokens', 'tokenizer', 'config', 'generationConfig', 'decode', 'chatText'],
])

/** The parts of a language model beside its graph. */
interface Parts {
  readonly language: Language
  readonly encoderModel: Model | undefined
}

/** The object behind a language model's proxy. */
export class LanguageModelHandle extends ModelHandle implements LanguageMembers {
  readonly #parts: Parts

  constructor(loaded: LoadedModel, parts: Parts, edits: readonly Edit[] = []) {
    super(loaded, edits)
    this.#parts = parts
  }

  get #language(): Language {
    return this.#parts.language
  }

  protected override copyWith(loaded: LoadedModel, edits: readonly Edit[]): ModelHandle {
    return new LanguageModelHandle(loaded, this.#parts, edits)
  }

  override get otherMembers(): ReadonlySet<string> {
    return languageMembers
  }

  get encoderModel(): Model | undefined {
    return this.#parts.encoderModel
  }

  protected override get encoder(): Model | undefined {
    return this.encoderModel
  }

  override async release(): Promise<void> {
    await super.release()
    await this.encoderModel?.release()
  }

  get tokenizer(): Tokenizer {
    return this.#language.tokenizer
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.#language.config
  }

  get generationConfig(): GenerationConfig {
    return this.#language.generationConfig
  }

  tokens(prompt: string | readonly ChatMessage[]): Tokens
  tokens(prompts: readonly (string | readonly ChatMessage[])[]): Tokens[]
  tokens(prompt: Prompt): Tokens | Tokens[] {
    const rows = promptRows(prompt)
    if (!rows)
      throw new PromptError(
        'tokens() was given no prompt.',
        "give it a text, a chat, [{ role: 'user', content: '…' }], or a list of these",
      )
    const tokens = rows.map(row => this.#language.tokens(row))
    return rows === prompt ? tokens : tokens[0]
  }

  decode(ids: readonly number[], options?: DecodeOptions): string {
    const { skipSpecialTokens } = knownOptions('decode()', options, ['skipSpecialTokens'])
    return this.#language.decode(ids, skipSpecialTokens)
  }

  chatText(messages: readonly ChatMessage[]): string {
    return this.#language.chatText(messages)
  }
}

/** @throws TraceArgumentsError for a model that was not loaded as a language model */
export function languageMembersOf(model: unknown): LanguageMembers {
  const handle = handleOf(model)
  if (handle instanceof LanguageModelHandle) return handle
  throw new TraceArgumentsError(
    'LanguageModel.of() was given no language model.',
    "pass what `await LanguageModel.load('folder')` gives",
  )
}
