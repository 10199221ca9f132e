/** A tokenizer, as far as it turns ids into text. */
export interface Decode {
  decode(ids: readonly number[], skipSpecialTokens?: boolean): string
}

/** How many of the prompt's tokens are decoded with the new ones: some tokenizers write a token differently at the beginning of a text. */
const CONTEXT = 6

/** Matches what a tokenizer writes for a part of a character. The rest of the character comes with later tokens. */
const PARTIAL = /\ufffd+$/

/**
 * The text of a row's new tokens, as far as it is certain: it has whole characters, and does not end in what may become a stop string. The
 * pieces that `take` returns are together the whole text in the end.
 */
export class RowText {
  readonly #language: Decode
  readonly #stops: readonly string[]
  /** The prompt's last tokens, and the new ones. */
  readonly #ids: number[]
  readonly #prompt: number
  /** Tokens from `#from` on are decoded together. The whole text of the tokens before `#upTo` has been taken. */
  #from = 0
  #upTo: number
  /** How many characters of the text after these tokens have been taken. */
  #taken = 0
  /** Text that is certain except that it may be the beginning of a stop string. */
  #held = ''
  #text = ''
  #stopped = false

  constructor(language: Decode, prompt: readonly number[], stops: readonly string[]) {
    this.#language = language
    this.#stops = stops
    this.#ids = prompt.slice(-CONTEXT)
    this.#prompt = this.#ids.length
    this.#upTo = this.#prompt
  }

  /** The text that was taken so far. */
  get text(): string {
    return this.#text
  }

  /** Whether a stop string ended the text. The string itself is cut off. */
  get stopped(): boolean {
    return this.#stopped
  }

  /**
   * The text that has become certain with these tokens.
   * @param added all new tokens of the row: those of earlier calls, and the next ones
   * @param isEnd whether no more tokens will come. Then the rest of the text is taken as it is
   */
  take(added: readonly number[], isEnd = false): string {
    if (this.#stopped) return ''
    for (let i = this.#ids.length - this.#prompt; i < added.length; i++) this.#ids.push(added[i])
    this.#held += this.#certain(isEnd)
    const piece = this.#untilStop(isEnd)
    this.#text += piece
    return piece
  }

  #certain(isEnd: boolean): string {
    const before = this.#decode(this.#from, this.#upTo).replace(PARTIAL, '')
    const all = this.#decode(this.#from, this.#ids.length)
    const whole = isEnd ? all : all.replace(PARTIAL, '')
    // The text of the earlier tokens is skipped, unless the tokenizer now writes them differently.
    const start = whole.startsWith(before) ? before.length : 0
    const piece = whole.slice(start + this.#taken)
    if (whole === all) {
      this.#from = this.#upTo
      this.#upTo = this.#ids.length
      this.#taken = 0
    } else this.#taken += piece.length
    return piece
  }

  #decode(from: number, to: number): string {
    return from === to ? '' : this.#language.decode(this.#ids.slice(from, to), true)
  }

  /** Takes the held text up to a stop string, or up to the beginning of what may become one. */
  #untilStop(isEnd: boolean): string {
    const held = this.#held
    const found = this.#stops.map(stop => held.indexOf(stop)).filter(at => at >= 0)
    const end = found.length > 0 ? Math.min(...found) : isEnd ? held.length : held.length - this.#begun(held)
    this.#stopped = found.length > 0
    this.#held = held.slice(end)
    return held.slice(0, end)
  }

  /** The length of the longest end of the text with which a stop string begins. */
  #begun(text: string): number {
    for (
      let length = Math.min(text.length, Math.max(0, ...this.#stops.map(stop => stop.length - 1)));
      length > 0;
      length--
    )
      if (this.#stops.some(stop => stop.startsWith(text.slice(-length)))) return length
    return 0
  }
}
