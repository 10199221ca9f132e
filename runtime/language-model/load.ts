import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LanguageModelError } from '../errors/language-model.ts'
import { loadWith } from '../model/load.ts'
import { chooseGraphs } from './choose-graph.ts'
import { diskFolder } from './disk-folder.ts'
import type { ModelFolder } from './folder.ts'
import { type LanguageModel, LanguageModelHandle } from './handle.ts'
import { type LanguageModelOptions, loadOptionsOf } from './options.ts'
import { readLanguage, type TokenizerSource } from './read-language.ts'

/** What `LanguageModel.load` does in Node. */
export async function loadLanguageModel(
  source: string | URL,
  options: LanguageModelOptions = {},
): Promise<LanguageModel> {
  const plain = loadOptionsOf(options, ['cpu', 'cuda'])
  const { path, folder, tokenizer } = await find(source instanceof URL ? fileURLToPath(source) : source, options)
  const language = await readLanguage(folder, { tokenizer, ...options })
  const model = await loadWith(
    { language, newHandle: loaded => new LanguageModelHandle(loaded, language) },
    path,
    plain,
  )
  return model as unknown as LanguageModel
}

interface Found {
  readonly path: string
  readonly folder: ModelFolder
  readonly tokenizer: TokenizerSource | undefined
}

async function find(path: string, options: LanguageModelOptions): Promise<Found> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile()) return findBeside(path)
  if (!found) throw new LanguageModelError(`There is no folder ${path}.`, 'check the path')
  const folder = diskFolder(path)
  const graphs = chooseGraphs(path, (await folder.list()) ?? [], options)
  return { path: join(path, graphs.path), folder, tokenizer: undefined }
}

/** A graph whose tokenizer lies beside it: tokenizer.json, or a vocabulary of characters, NAME.vocab.json. */
async function findBeside(path: string): Promise<Found> {
  const folder = diskFolder(dirname(path))
  const vocabulary = `${basename(path, '.onnx')}.vocab.json`
  const isThere = (await folder.text(vocabulary)) !== undefined
  return { path, folder, tokenizer: isThere ? vocabulary : undefined }
}
