import { existsSync } from 'node:fs'
import { dirname, join, parse } from 'node:path'
import { readVocabulary, type Vocabulary } from './vocabulary.ts'

/**
 * The vocabulary that lies with a model: of its own name, or where Hugging Face's models have it, also beside their folder `onnx`. Nobody asked
 * for it, so one that can't be used is told on stderr, and the page does without.
 */
export async function vocabularyBeside(model: string): Promise<{ file: string; vocabulary: Vocabulary } | undefined> {
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
