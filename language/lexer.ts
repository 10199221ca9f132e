/** Thrown for a slice that can't be parsed, with the piece of the template and the offset in it. */
export class SliceSyntaxError extends Error {
  readonly piece: number
  readonly offset: number
  constructor(message: string, piece: number, offset: number) {
    super(message)
    this.name = 'SliceSyntaxError'
    this.piece = piece
    this.offset = offset
  }
}

export interface Token {
  readonly kind: 'number' | 'word' | 'hole' | 'symbol' | 'end'
  readonly text: string
  readonly value: number
  readonly piece: number
  readonly offset: number
}

const PATTERN = /\s*(?:(-?\d+)(?![\w.])|(\.\.\.|…)|([A-Za-z_]\w*)|([:,[\]]))/y

/** Splits the texts of a template into tokens, with a hole between two texts. */
export function tokenize(pieces: readonly string[]): Token[] {
  const tokens: Token[] = []
  pieces.forEach((text, piece) => {
    if (piece > 0) tokens.push({ kind: 'hole', text: '${…}', value: piece - 1, piece, offset: 0 })
    let at = 0
    while (text.slice(at).trim() !== '') {
      PATTERN.lastIndex = at
      const found = PATTERN.exec(text)
      const offset = at + (text.slice(at).length - text.slice(at).trimStart().length)
      if (!found)
        throw new SliceSyntaxError(
          `found ${JSON.stringify(/^[\w.+-]+|./su.exec(text.slice(offset))?.[0])}; a slice takes whole numbers, :, ..., None and lists [0, 2]`,
          piece,
          offset,
        )
      const [, number, dots, word, symbol] = found
      const kind = number !== undefined ? 'number' : word !== undefined ? 'word' : 'symbol'
      tokens.push({ kind, text: number ?? (dots ? '...' : (word ?? symbol)), value: Number(number), piece, offset })
      at = PATTERN.lastIndex
    }
  })
  const last = pieces.length - 1
  tokens.push({ kind: 'end', text: 'the end', value: 0, piece: last, offset: pieces[last].length })
  return tokens
}
