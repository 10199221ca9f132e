import type { Language } from '../../runtime/language-inputs/language.ts'
import type { Token } from '../protocol/api.ts'

/** A token as the page shows it. */
export function tokenOf(language: Language | undefined, id: number): Token {
  if (language?.tokenizer.id_to_token(id) === undefined) return { id }
  return { id, text: language.textOf(id) }
}

/** Example texts. The one that the tokenizer cuts into the longest tokens is used. */
const EXAMPLES = ['The Eiffel Tower is in the city of', 'To be, or not to be']
const MASKS = ['[MASK]', '<mask>']

/** The text with which the page opens; undefined if the tokenizer can spell none of the examples. */
export function exampleText(language: Language): string | undefined {
  const mask = MASKS.find(text => language.tokenizer.token_to_id(text) !== undefined)
  const found = (mask ? [`The capital of France is ${mask}.`] : EXAMPLES).flatMap(text => {
    const ids = idsOf(language, text)
    return ids.length > 0 ? [{ text, length: text.length / ids.length }] : []
  })
  return found.toSorted((a, b) => b.length - a.length || a.text.length - b.text.length)[0]?.text
}

/** The ids of a text; empty if the tokenizer can't spell it. */
function idsOf(language: Language, text: string): readonly number[] {
  try {
    return language.encodeRow(text)
  } catch {
    return []
  }
}
