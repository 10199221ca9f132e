import { PromptError } from '../errors/prompt.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { assertPrompts, type ChatMessage, promptRows } from './prompt.ts'
import type { GenerationConfig, Tokenizer } from './tokenizer.ts'
import { Tokens } from './tokens.ts'

/**
 * How the text of a special token, such as `<|endoftext|>`, is read in a prompt: 'read' makes it that token, as in transformers; 'text' treats
 * it as any other text; 'refuse' throws an error.
 */
export type SpecialTokens = 'read' | 'text' | 'refuse'

/** The encoder of a model that has it in a separate graph. */
export interface StatesEncoder {
  /** The names of its inputs. */
  readonly inputs: readonly string[]
  /** Gives its states, `[batch, state, width]`, for inputs by name. */
  states(inputs: Readonly<Record<string, unknown>>): Promise<Tensor>
}

/** The files that lie beside a model’s graph. */
export interface LanguageFiles {
  readonly tokenizer: Tokenizer
  /** config.json. */
  readonly config?: Readonly<Record<string, unknown>>
  /** generation_config.json. */
  readonly generationConfig?: GenerationConfig
  /** tokenizer_config.json. */
  readonly tokenizerConfig?: Readonly<Record<string, unknown>>
  /** The same tokenizer without its special tokens: it treats their text as any other text. */
  readonly plainTokenizer?: () => Tokenizer
  /** How special tokens in a text or a message are read. @default 'read' in texts, and 'refuse' in messages */
  readonly specialTokens?: SpecialTokens | undefined
  readonly encoder?: StatesEncoder
  /** The text of a chat, by the model’s template. */
  readonly renderChat?: (messages: readonly ChatMessage[], addGenerationPrompt: boolean) => string
}

/** A model's tokenizer and chat template, and its configuration, which says how it generates. */
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

  get encoder(): StatesEncoder | undefined {
    return this.#files.encoder
  }

  /** The ids that end a text. */
  get eosTokenIds(): readonly number[] {
    const named = this.generationConfig.eos_token_id ?? this.config.eos_token_id ?? this.#special('eos_token')
    return [named ?? []].flat() as number[]
  }

  /** The token that pads short prompts. */
  get padTokenId(): number {
    const named = this.#special('pad_token') ?? this.generationConfig.pad_token_id ?? this.config.pad_token_id
    return Number(named ?? this.eosTokenIds[0] ?? 0)
  }

  /**
   * The tokens that texts of a decoder with an encoder begin with; undefined if the model’s files don’t say. Whisper's files name more than
   * one: also those of the language and the task. @param start the first of them, in the place of the one in the files
   */
  decoderStart(start?: number): readonly number[] | undefined {
    const first = start ?? this.generationConfig.decoder_start_token_id ?? this.config.decoder_start_token_id
    if (typeof first !== 'number') return undefined
    const forced = this.generationConfig.forced_decoder_ids
    const ids = Array.isArray(forced) ? (forced as [number, number | null][]).map(([, id]) => id) : []
    const open = ids.findIndex(id => typeof id !== 'number')
    return [first, ...((open < 0 ? ids : ids.slice(0, open)) as number[])]
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
    assertPrompts(prompt)
    return promptRows(prompt)?.map(row => this.encodeRow(row))
  }

  /** The ids of a text or a chat, of any length: the text may have no tokens, or more than the model’s context. */
  idsOf(row: string | readonly ChatMessage[]): number[] {
    return typeof row === 'string' ? this.#textIds(row) : this.#chatIds(row)
  }

  /** @throws PromptError for a prompt without tokens, and for one that is longer than the model’s context */
  encodeRow(row: string | readonly ChatMessage[]): number[] {
    const ids = this.idsOf(row)
    if (ids.length === 0)
      throw new PromptError('A prompt is empty: its text has no tokens.', 'give each prompt at least one character')
    // A tokenizer without a token for unknown text leaves a hole where it can't spell something.
    if (ids.some(id => id === undefined))
      throw new PromptError(
        'The tokenizer can’t spell a prompt: it has no token for a part of the text, and none for unknown text.',
        'write texts of its vocabulary, or pass token ids',
      )
    const most = this.contextLength
    if (most !== undefined && ids.length > most)
      throw new PromptError(
        `A prompt has ${ids.length} tokens, but the model’s context has only ${most}.`,
        `shorten the text, or give the ids that you want to keep: [model.tokens(text).ids.slice(-${most})]`,
      )
    return ids
  }

  #textIds(text: string): number[] {
    const { specialTokens = 'read' } = this.#files
    const pieces = specialTokens === 'read' ? [text] : this.#specials.split(text)
    if (pieces.length === 1) return [...this.tokenizer.encode(text).ids]
    if (specialTokens === 'refuse') throw specialInText('The prompt', pieces[1])
    const [before, after] = this.#added
    return [...before, ...this.#encodePieces(pieces), ...after]
  }

  /** The ids of a chat. The tokenizer adds no special tokens around it, because the chat template writes them. */
  #chatIds(messages: readonly ChatMessage[]): number[] {
    const { specialTokens = 'refuse' } = this.#files
    const bare = (text: string): readonly number[] => this.tokenizer.encode(text, { add_special_tokens: false }).ids
    if (specialTokens === 'read') return [...bare(this.chatText(messages))]
    const marked: string[] = []
    const marking = messages.map(message => {
      if (typeof message.content !== 'string') return message
      const pieces = this.#specials.split(message.content)
      if (pieces.length === 1) return message
      if (specialTokens === 'refuse') throw specialInText(`A message of ${message.role}`, pieces[1])
      // While the template is applied, a number between characters that no text has stands for each special token.
      const content = pieces.map((piece, i) => (i % 2 === 0 ? piece : `${MARK}${marked.push(piece) - 1}${MARK}`))
      return { ...message, content: content.join('') }
    })
    const pieces = this.chatText(marking).split(MARK)
    return this.#encodePieces(pieces.map((piece, i) => (i % 2 === 0 ? piece : marked[Number(piece)])))
  }

  /** The ids of pieces. They alternate: a text in which special tokens are read, then a special token that is treated as any other text. */
  #encodePieces(pieces: readonly string[]): number[] {
    const { plainTokenizer } = this.#files
    if (pieces.length > 1 && !plainTokenizer)
      throw new PromptError(
        'The tokenizer that this model was given can’t take the text of a special token for any other text.',
        "load the model with its tokenizer.json, or with { specialTokens: 'refuse' }",
      )
    return pieces.flatMap((piece, i) => {
      const tokenizer = i % 2 === 0 ? this.tokenizer : plainTokenizer!()
      return piece === '' ? [] : [...tokenizer.encode(piece, { add_special_tokens: false }).ids]
    })
  }

  /** Splits a text at the special tokens in it: every second piece is a special token. */
  get #specials(): { split(text: string): string[] } {
    const texts = [...this.tokenizer.get_added_tokens_decoder().values()].filter(({ special }) => special)
    if (texts.length === 0) return { split: text => [text] }
    const longestFirst = texts.map(({ content }) => content).toSorted((a, b) => b.length - a.length)
    const pattern = new RegExp(`(${longestFirst.map(text => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')})`)
    return { split: text => text.split(pattern) }
  }

  /** The ids that the tokenizer adds before and after a text. */
  get #added(): readonly [before: readonly number[], after: readonly number[]] {
    const [whole, bare] = [
      this.tokenizer.encode('a').ids,
      this.tokenizer.encode('a', { add_special_tokens: false }).ids,
    ]
    const at = whole.findIndex((_, i) => bare.every((id, k) => whole[i + k] === id))
    return [whole.slice(0, at), whole.slice(at + bare.length)]
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

  /** The tokens of a prompt. */
  tokens(row: string | readonly ChatMessage[]): Tokens {
    return this.tokensOf(this.encodeRow(row), typeof row === 'string' ? row : this.chatText(row))
  }

  tokensOf(ids: readonly number[], text?: string): Tokens {
    return new Tokens(
      this.tokenizer,
      ids,
      ids.map(id => this.textOf(id)),
      text,
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
    const text = specialTokenText(this.#files.tokenizerConfig?.[name])
    return text === undefined ? undefined : this.tokenizer.token_to_id(text)
  }
}

/** The text of a special token in tokenizer_config.json: as it is, or in an object. */
export function specialTokenText(token: unknown): string | undefined {
  const text = typeof token === 'object' && token !== null ? (token as { content?: unknown }).content : token
  return typeof text === 'string' ? text : undefined
}

/** A character of no text. */
const MARK = '\ue000'

const specialInText = (where: string, token: string): PromptError =>
  new PromptError(
    `${where} has the text ${token}, which is a special token of the model.`,
    "load the model with { specialTokens: 'text' } to give it as any other text, or 'read' if it is meant as the token",
  )
