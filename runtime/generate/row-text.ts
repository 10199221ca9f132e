/** What turns ids into text. */
export interface Decode {
  decode(ids: readonly number[], skipSpecialTokens?: boolean): string
}

/** Prompt tokens that are decoded with the new ones: some tokenizers write a token otherwise where a text begins. */
const CONTEXT = 6

/** Stands for a part of a character: the rest of it comes with later tokens. */
const PARTIAL = /\ufffd+$/

/**
 * The text of a row's new tokens, as far as it is certain: whole characters, and nothing that a stop string may begin with. What `take`
 * gives piece by piece is the whole text in the end.
 */
export class RowText {
  readonly #language: Decode
  readonly #stops: readonly string[]
  /** The prompt's last tokens, and the new ones. */
  readonly #ids: number[]
  readonly #prompt: number
  /** Tokens from `#from` on are decoded together; those before `#upTo` were there when all that they say was taken. */
  #from = 0
  #upTo: number
  /** Of the text after that, so much was taken. */
  #taken = 0
  /** Certain but for a stop string that it may begin. */
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

  /** Whether a stop string ended the text: it is cut off. */
  get stopped(): boolean {
    return this.#stopped
  }

  /**
   * The text that has become certain with these new tokens, of which it knows the first ones.
   * @param isEnd no more will come: what is left is taken as it is
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
    // A decoder that writes the earlier tokens otherwise now: only what follows them counts.
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

  /** Takes what is held, up to a stop string or what may become one. */
  #untilStop(isEnd: boolean): string {
    const held = this.#held
    const found = this.#stops.map(stop => held.indexOf(stop)).filter(at => at >= 0)
    const end = found.length > 0 ? Math.min(...found) : isEnd ? held.length : held.length - this.#begun(held)
    this.#stopped = found.length > 0
    this.#held = held.slice(end)
    return held.slice(0, end)
  }

  /** The length of the longest end of the text that a stop string begins with. */
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
