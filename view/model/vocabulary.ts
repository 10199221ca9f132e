import { readFile } from 'node:fs/promises'
import { CommandError } from '../../cli/shared/errors.ts'
import type { Token } from '../protocol/api.ts'
import { Refusal } from '../server/refusal.ts'

/** Translates between texts and token ids. */
export interface Vocabulary {
  /** @throws Refusal for a text that contains something the vocabulary lacks */
  encode(text: string): number[]
  /** Undefined for an id that the vocabulary lacks. */
  text(id: number): string | undefined
}

/** Reads a file with `{"chars": […]}`, or a Hugging Face tokenizer.json. @throws CommandError */
export async function readVocabulary(path: string): Promise<Vocabulary> {
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new CommandError(
      `The vocabulary ${path} can't be read: ${(error as Error).message}.`,
      'check the path, and that it is JSON',
      error,
    )
  }
  const { chars, model } = (json ?? {}) as { chars?: unknown; model?: unknown }
  if (Array.isArray(chars) && chars.length > 0 && chars.every(char => typeof char === 'string' && char !== ''))
    return charVocabulary(chars as string[])
  if (typeof model === 'object' && model !== null) return tokenizerVocabulary(path, json as object)
  throw new CommandError(
    `${path} is not a vocabulary: it has neither "chars" nor a tokenizer's "model".`,
    'pass a file with {"chars": ["a", "b", …]}, or the tokenizer.json next to the model',
  )
}

function charVocabulary(chars: readonly string[]): Vocabulary {
  const ids = new Map(chars.map((char, id) => [char, id]))
  return {
    encode: text =>
      [...text].map(char => {
        const id = ids.get(char)
        if (id === undefined)
          throw new Refusal(
            422,
            'view-vocabulary',
            `The vocabulary has no ${JSON.stringify(char)}.`,
            'leave it out, or enter token ids',
          )
        return id
      }),
    text: id => chars[id],
  }
}

async function tokenizerVocabulary(path: string, json: object): Promise<Vocabulary> {
  const library = await import('@huggingface/tokenizers').catch((cause: unknown) => {
    throw new CommandError(
      `${path} needs the package @huggingface/tokenizers.`,
      'npm install @huggingface/tokenizers',
      cause,
    )
  })
  try {
    const tokenizer = new library.Tokenizer(json, {})
    return {
      encode: text => tokenizer.encode(text).ids,
      text: id =>
        tokenizer.id_to_token(id) === undefined
          ? undefined
          : tokenizer.decode([id], { skip_special_tokens: false, clean_up_tokenization_spaces: false }) ||
            tokenizer.id_to_token(id),
    }
  } catch (error) {
    throw new CommandError(
      `The tokenizer ${path} can't be used: ${(error as Error).message}.`,
      'check that it is the tokenizer.json of a Hugging Face model',
      error,
    )
  }
}

export const tokenOf = (vocabulary: Vocabulary | undefined, id: number): Token => {
  const text = vocabulary?.text(id)
  return text === undefined ? { id } : { id, text }
}
