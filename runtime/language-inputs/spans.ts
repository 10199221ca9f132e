import type { Tokenizer } from './tokenizer.ts'

type Span = readonly [start: number, end: number]

/** How many earlier tokens are decoded with each token: decoders strip a space at the beginning of a text, and join parts of a character. */
const CONTEXT = 6

/** What a tokenizer decodes a part of a character to. */
const PARTIAL = '\ufffd'

/**
 * Where each token's text begins and ends in the given text. A tokenizer may change a text before it cuts it, so that the two can't be aligned.
 * Then the spans are those in the text of the tokens. The result has the text in which the spans lie.
 */
export function spansOf(
  tokenizer: Tokenizer,
  ids: readonly number[],
  text?: string,
): { readonly text: string; readonly spans: readonly Span[] } {
  const pieces = piecesOf(tokenizer, ids)
  const special = tokenizer.get_added_tokens_decoder()
  const isSpecial = (i: number): boolean => special.get(ids[i])?.special === true
  const own = text === undefined ? undefined : alignedTo(text, pieces, isSpecial)
  if (text !== undefined && own) return { text, spans: own }
  let at = 0
  const spans = pieces.map(({ text, parts }): Span[] => {
    const span: Span = [at, at + text.length]
    at = span[1]
    return new Array<Span>(parts).fill(span)
  })
  return { text: pieces.map(piece => piece.text).join(''), spans: spans.flat() }
}

/** The text that one token adds, or that several tokens add which are parts of one character. */
interface Piece {
  readonly text: string
  readonly parts: number
}

function piecesOf(tokenizer: Tokenizer, ids: readonly number[]): Piece[] {
  const decode = (from: number, to: number): string =>
    from === to
      ? ''
      : tokenizer.decode(ids.slice(from, to), { skip_special_tokens: false, clean_up_tokenization_spaces: false })
  const pieces: Piece[] = []
  for (let from = 0; from < ids.length; ) {
    const context = Math.max(0, from - CONTEXT)
    const before = decode(context, from)
    let to = from + 1
    let after = decode(context, to)
    // A character has at most four bytes.
    while (after.endsWith(PARTIAL) && to < ids.length && to - from < 4) after = decode(context, ++to)
    if (after.endsWith(PARTIAL)) {
      to = from + 1
      after = decode(context, to)
    }
    pieces.push({ text: after.startsWith(before) ? after.slice(before.length) : decode(from, to), parts: to - from })
    from = to
  }
  return pieces
}

/** Aligns the pieces with the text; undefined if that fails. Case and spaces may differ. */
function alignedTo(text: string, pieces: readonly Piece[], isSpecial: (i: number) => boolean): Span[] | undefined {
  const lower = text.toLowerCase()
  // Some characters have a longer form in lower case.
  if (lower.length !== text.length) return undefined
  const spans: Span[] = []
  let at = 0
  for (const { text: piece, parts } of pieces) {
    let span: Span | undefined
    if (text.startsWith(piece, at)) span = [at, at + piece.length]
    else {
      const own = piece.trim().toLowerCase()
      const start = at + (text.slice(at).length - text.slice(at).trimStart().length)
      if (lower.startsWith(own, start)) span = [start, start + own.length]
      else if (isSpecial(spans.length)) span = [at, at]
      else return undefined
    }
    for (let i = 0; i < parts; i++) spans.push(span)
    at = span[1]
  }
  return text.slice(at).trim() === '' ? spans : undefined
}
