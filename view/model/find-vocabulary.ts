import { existsSync } from 'node:fs'
import { dirname, join, parse } from 'node:path'
import { readVocabulary, type Vocabulary } from './vocabulary.ts'

/**
 * Finds the vocabulary of a model: NAME.vocab.json or tokenizer.json in its folder, or tokenizer.json in the folder above, where Hugging Face
 * has it. The user did not ask for it, so if it can't be used, a note on stderr says so, and the page works without it.
 */
export async function findVocabulary(model: string): Promise<{ file: string; vocabulary: Vocabulary } | undefined> {
  const folder = dirname(model)
  const file = [
    join(folder, `${parse(model).name}.vocab.json`),
    join(folder, 'tokenizer.json'),
    join(folder, '..', 'tokenizer.json'),
  ].find(existsSync)
  if (file === undefined) return undefined
  try {
    return { file, vocabulary: await readVocabulary(file) }
  } catch (error) {
    process.stderr.write(`Token ids are shown without their texts. ${(error as Error).message}\n`)
    return undefined
  }
}
