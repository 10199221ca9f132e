import type { Token } from '../../protocol/api.ts'

/** What can be seen of a token: blanks have signs, and one without a text is its id. */
export const tokenText = ({ id, text }: Token): string =>
  text === undefined ? String(id) : text.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥') || '∅'

/** For screen readers. */
export const tokenName = ({ id, text }: Token): string =>
  text === undefined ? `token ${id}` : text === ' ' ? 'space' : text === '\n' ? 'line break' : text
