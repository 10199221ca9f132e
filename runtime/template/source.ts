import {
  type Place,
  parseTemplate,
  type Statement,
  TemplateSyntaxError as Unreadable,
} from '../../language/template/parser.ts'
import { TemplateSyntaxError } from '../errors/template.ts'
import type { Info } from '../tracing/blocks/info.ts'

/** The place where one text of a template begins, in its file or in the text that is shown for it. Both numbers count from 1. */
export type PieceStart = readonly [line: number, column: number]

/** A template's texts, and the places where they begin. */
export interface TemplateText {
  readonly pieces: readonly string[]
  readonly starts: readonly PieceStart[]
}

/** The line and column of a place in a template. Both count from 1. */
export function positionIn({ pieces, starts }: TemplateText, { piece, offset }: Place): PieceStart {
  const before = pieces[piece].slice(0, offset).split('\n')
  const [line, column] = starts[piece]
  const last = before[before.length - 1].length
  return before.length > 1 ? [line + before.length - 1, last + 1] : [line, column + last]
}

/** The text of a template that is shown if no file is known. The number of each value stands in its place: `${1}`. */
export function showTemplate(pieces: readonly string[]): { lines: string[]; starts: PieceStart[] } {
  const starts: PieceStart[] = []
  let text = ''
  for (const [i, piece] of pieces.entries()) {
    if (i > 0) text += `\${${i}}`
    const lines = text.split('\n')
    starts.push([lines.length, lines[lines.length - 1].length + 1])
    text += piece
  }
  return { lines: text.split('\n'), starts }
}

/** @throws TemplateSyntaxError with a code frame */
export function readTemplate(text: TemplateText, info: Info, allowValues = false): readonly Statement[] {
  try {
    return parseTemplate(text.pieces, { allowValues })
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    throw new TemplateSyntaxError(error.message, info.position(...positionIn(text, error.at)), error.fix)
  }
}
