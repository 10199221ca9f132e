/**
 * Turns texts into token ids and back. `Tokenizer` of @huggingface/tokenizers is one, and so is any other object with these members.
 */
export interface Tokenizer {
  /** The ids of a text, with the special tokens that the model expects around it unless `add_special_tokens` is false. */
  encode(text: string, options?: { readonly add_special_tokens?: boolean }): { readonly ids: readonly number[] }
  /** The text of some ids. */
  decode(
    ids: number[],
    options?: { readonly skip_special_tokens?: boolean; readonly clean_up_tokenization_spaces?: boolean },
  ): string
  /** The id of a token by its spelling in the vocabulary; undefined if there is none. */
  token_to_id(token: string): number | undefined
  /** The spelling of an id in the vocabulary; undefined if there is none. */
  id_to_token(id: number): string | undefined
  /** The tokens that were added to the vocabulary, such as special ones, by id. */
  get_added_tokens_decoder(): ReadonlyMap<number, { readonly content: string; readonly special: boolean }>
}

/** The contents of generation_config.json. The names are those of transformers. */
export interface GenerationConfig {
  /** The ids that end a text. */
  readonly eos_token_id?: number | readonly number[] | null
  /** The id that pads short prompts. */
  readonly pad_token_id?: number | null
  /** The first token of an encoder–decoder model’s answer. */
  readonly decoder_start_token_id?: number | null
  /** Whether tokens are drawn. Without it, the likeliest one is chosen. */
  readonly do_sample?: boolean
  /** All other settings in the file. */
  readonly [name: string]: unknown
}
