import type { LanguageInput } from 'shiki'

/** Syntax highlighting for the grammar of the template language. */
export const ebnf: LanguageInput = {
  name: 'ebnf',
  scopeName: 'source.ebnf',
  repository: {},
  patterns: [
    { name: 'comment.block', begin: '\\(\\*', end: '\\*\\)' },
    { name: 'string.quoted', match: '"[^"]*"|\'[^\']*\'' },
    { name: 'entity.name.function', match: '^\\s*\\w+(?=\\s*=)' },
    { name: 'keyword.operator', match: '[=|,;{}()\\[\\]]' },
  ],
}
