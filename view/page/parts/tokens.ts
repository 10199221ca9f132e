import type { Token } from '../../protocol/api.ts'

/** A text with visible signs for spaces and line breaks. */
export const visible = (text: string): string =>
  text.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥') || '∅'

/** A token’s text with visible signs for spaces and line breaks, or its id if it has no text. */
export const tokenText = ({ id, text }: Token): string => (text === undefined ? String(id) : visible(text))

/** A token’s name for screen readers. */
export const tokenName = ({ id, text }: Token): string =>
  text === undefined ? `token ${id}` : text === ' ' ? 'space' : text === '\n' ? 'line break' : text
