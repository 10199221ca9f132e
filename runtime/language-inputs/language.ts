import { PromptError } from '../errors/prompt.ts'
import { type ChatMessage, promptRows } from './prompt.ts'
import type { GenerationConfig, Tokenizer } from './tokenizer.ts'

/** The files that lie beside a model’s graph. */
export interface LanguageFiles {
  readonly tokenizer: Tokenizer
  /** config.json. */
  readonly config?: Readonly<Record<string, unknown>>
  /** generation_config.json. */
  readonly generationConfig?: GenerationConfig
  /** tokenizer_config.json. */
  readonly tokenizerConfig?: Readonly<Record<string, unknown>>
  /** The text of a chat, by the model’s template. */
  readonly renderChat?: (messages: readonly ChatMessage[], addGenerationPrompt: boolean) => string
}

/** What a model knows of its language: how texts become ids, and what its files say of generation. */
export class Language {
  readonly tokenizer: Tokenizer
  readonly config: Readonly<Record<string, unknown>>
  readonly generationConfig: GenerationConfig
  readonly #files: LanguageFiles
  readonly #texts = new Map<number, string>()

  constructor(files: LanguageFiles) {
    this.#files = files
    this.tokenizer = files.tokenizer
    this.config = files.config ?? {}
    this.generationConfig = files.generationConfig ?? {}
  }

  /** The ids that end a text. */
  get eosTokenIds(): readonly number[] {
    const named = this.generationConfig.eos_token_id ?? this.config.eos_token_id ?? this.#special('eos_token')
    return [named ?? []].flat() as number[]
  }

  /** What fills up short prompts. */
  get padTokenId(): number {
    const named = this.#special('pad_token') ?? this.generationConfig.pad_token_id ?? this.config.pad_token_id
    return Number(named ?? this.eosTokenIds[0] ?? 0)
  }

  /** The side that the tokenizer’s files name. */
  get paddingSide(): 'left' | 'right' | undefined {
    const side = this.#files.tokenizerConfig?.padding_side
    return side === 'left' || side === 'right' ? side : undefined
  }

  /** The most tokens that the model was made for; undefined if its files don’t say. */
  get contextLength(): number | undefined {
    const named = ['max_position_embeddings', 'n_positions', 'n_ctx', 'max_sequence_length']
    const length = named.map(name => this.config[name]).find(value => typeof value === 'number')
    return length as number | undefined
  }

  /** The ids of each text or chat; undefined if this is no prompt. @throws PromptError */
  encode(prompt: unknown): number[][] | undefined {
    return promptRows(prompt)?.map(row => this.encodeRow(row))
  }

  /** @throws PromptError for a prompt without tokens, and for one that is longer than the model’s context */
  encodeRow(row: string | readonly ChatMessage[]): number[] {
    const isText = typeof row === 'string'
    // A chat template writes the special tokens itself.
    const ids = [...this.tokenizer.encode(isText ? row : this.chatText(row), { add_special_tokens: isText }).ids]
    if (ids.length === 0)
      throw new PromptError('A prompt is empty: its text has no tokens.', 'give each prompt at least one character')
    const most = this.contextLength
    if (most !== undefined && ids.length > most)
      throw new PromptError(
        `A prompt has ${ids.length} tokens, but the model’s context has only ${most}.`,
        `shorten the text, or give the ids that you want to keep: [model.tokens(text).ids.slice(-${most})]`,
      )
    return ids
  }

  /** A chat as the text that the model is given. @throws PromptError if the model has no chat template */
  chatText(messages: readonly ChatMessage[], addGenerationPrompt = true): string {
    const { renderChat } = this.#files
    if (renderChat) return renderChat(messages, addGenerationPrompt)
    throw new PromptError(
      'This model has no chat template, so that it can’t be given messages.',
      'give it a text: the model’s page says how its prompts look',
    )
  }

  /** The text of some ids. */
  decode(ids: readonly number[], skipSpecialTokens = false): string {
    if (ids.length === 0) return ''
    return this.tokenizer.decode([...ids], {
      skip_special_tokens: skipSpecialTokens,
      clean_up_tokenization_spaces: false,
    })
  }

  /** The text of one id: a part of a character is shown by its spelling in the vocabulary. */
  textOf(id: number): string {
    let text = this.#texts.get(id)
    if (text === undefined) {
      const spelling = this.tokenizer.id_to_token(id)
      const decoded = spelling === undefined ? '' : this.decode([id])
      text = decoded === '' || decoded.includes('\ufffd') ? (spelling ?? `<${id}>`) : decoded
      this.#texts.set(id, text)
    }
    return text
  }

  #special(name: string): number | undefined {
    const given = this.#files.tokenizerConfig?.[name]
    const text = typeof given === 'object' && given !== null ? (given as { content?: unknown }).content : given
    return typeof text === 'string' ? this.tokenizer.token_to_id(text) : undefined
  }
}
