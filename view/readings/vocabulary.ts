import type { Language } from '../../runtime/language-inputs/language.ts'
import { tokenOf } from '../model/tokens.ts'
import type { ModuleView, Token, ValuePlace } from '../protocol/api.ts'

/** The most tokens whose texts are sent with a map of logits: those of larger vocabularies have no room. */
const MAX_COLUMNS = 128

/** What the columns of logits stand for. */
export interface Vocabulary {
  isLogits(place: ValuePlace | undefined): boolean
  readonly tokenOf: (id: number) => Token
}

export const vocabularyOf = (logits: string | undefined, language: Language | undefined): Vocabulary => ({
  isLogits: place => language !== undefined && logits !== undefined && place?.name === logits,
  tokenOf: id => tokenOf(language, id),
})

/** A module's view, with the tokens of the columns if it shows logits. */
export function withVocabulary(view: ModuleView, { isLogits, tokenOf }: Vocabulary): ModuleView {
  const { values, valueIndex, map } = view
  if (valueIndex === undefined || !map || !isLogits(values[valueIndex])) return view
  const count = map.columns <= MAX_COLUMNS ? map.columns : 0
  return { ...view, vocabulary: Array.from({ length: count }, (_, id) => tokenOf(id)) }
}
