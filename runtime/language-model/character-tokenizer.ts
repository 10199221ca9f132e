import { PromptError } from '../errors/prompt.ts'
import type { Tokenizer } from '../language-inputs/tokenizer.ts'

/** The characters of a vocabulary `{"chars": ["a", "b", …]}`, in which a character's index is its id. Undefined for any other file. */
export function charactersOf(json: unknown): readonly string[] | undefined {
  const { chars } = (json ?? {}) as { readonly chars?: unknown }
  return Array.isArray(chars) && chars.length > 0 && chars.every(char => typeof char === 'string' && char !== '')
    ? (chars as string[])
    : undefined
}

/** A tokenizer whose tokens are single characters. */
export function characterTokenizer(characters: readonly string[]): Tokenizer {
  const ids = new Map(characters.map((character, id) => [character, id]))
  return {
    encode: text => ({
      ids: [...text].map(character => {
        const id = ids.get(character)
        if (id !== undefined) return id
        throw new PromptError(
          `The model’s vocabulary has no ${JSON.stringify(character)}.`,
          `leave it out: the vocabulary is ${JSON.stringify(characters.join(''))}`,
        )
      }),
    }),
    decode: tokens => tokens.map(id => characters[Number(id)] ?? '').join(''),
    token_to_id: token => ids.get(token),
    id_to_token: id => characters[id],
    get_added_tokens_decoder: () => new Map(),
  }
}
