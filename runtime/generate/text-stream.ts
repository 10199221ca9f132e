import { GenerateError } from '../errors/generate.ts'
import { type Decode, RowText } from './row-text.ts'
import type { History } from './scores.ts'

interface Source {
  /** The rows so far; none if their tokens may still change. */
  rows(): readonly History[]
  /** Called with each piece, and the number of its sequence. */
  readonly onText: ((piece: string, sequence: number) => void) | undefined
  /** Called when whoever reads the stream leaves it. */
  onLeave(): void
}

/** Gives out the new text of a generation while it grows. */
export class TextStream {
  readonly #language: Decode | undefined
  readonly #stops: readonly string[]
  readonly #source: Source
  #texts: readonly RowText[] | undefined
  readonly #readers = new Set<Reader>()
  #ended: { readonly error?: unknown } | undefined

  constructor(language: Decode | undefined, stops: readonly string[], source: Source) {
    this.#language = language
    this.#stops = stops
    this.#source = source
    if (source.onText && !language) throw withoutTokenizer('onText')
  }

  /** Hands on the new text after the rows have grown. */
  advance(): void {
    const { onText } = this.#source
    if (onText) {
      const rows = this.#source.rows()
      if (rows.length > 0) this.#texts ??= rows.map(row => this.#newText(row))
      rows.forEach((row, i) => {
        const piece = this.#texts![i].take(row.added, this.#ended !== undefined)
        if (piece !== '') onText(piece, i)
      })
    }
    for (const reader of this.#readers) reader.wake()
  }

  /** Hands on the rest of the text after the last step. */
  end(): void {
    this.#ended = {}
    this.advance()
  }

  fail(error: unknown): void {
    this.#ended = { error }
    for (const reader of this.#readers) reader.wake()
  }

  /** The pieces of the first sequence's text. @throws GenerateError if the model has no tokenizer */
  async *read(): AsyncGenerator<string, void, undefined> {
    if (!this.#language) throw withoutTokenizer('textStream')
    const reader = new Reader()
    this.#readers.add(reader)
    try {
      yield* this.#pieces(reader)
    } finally {
      this.#readers.delete(reader)
      if (!this.#ended) this.#source.onLeave()
    }
  }

  async *#pieces(reader: Reader): AsyncGenerator<string, void, undefined> {
    let text: RowText | undefined
    for (;;) {
      const more = reader.next()
      const [row] = this.#source.rows()
      const ended = this.#ended
      if (row) {
        text ??= this.#newText(row)
        const piece = text.take(row.added, ended !== undefined)
        if (piece !== '') yield piece
      }
      if (ended && 'error' in ended) throw ended.error
      if (ended) return
      await more
    }
  }

  #newText({ prompt }: History): RowText {
    return new RowText(this.#language!, prompt, this.#stops)
  }
}

/** Lets whoever reads the stream wait until there is more text. */
class Reader {
  #wake: (() => void) | undefined

  wake(): void {
    this.#wake?.()
  }

  /** A promise that the next call of `wake` fulfils. */
  next(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }
}

const withoutTokenizer = (what: string): GenerateError =>
  new GenerateError(
    `${what} gives texts, but the model was loaded without a tokenizer.`,
    'open it with LanguageModel.load(folder), or read `ids`',
  )
