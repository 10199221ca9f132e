import { join } from 'node:path'
import { LanguageModelError } from '../errors/language-model.ts'
import type { LanguageModel } from './handle.ts'
import { isFolder } from './hub/cache.ts'
import { loadLanguageModel } from './load.ts'
import { type AttachOptions, attachment } from './transformers.ts'

/** What `attach` does in Node. */
export async function attachHere(program: unknown, name: string, options?: AttachOptions): Promise<LanguageModel> {
  const warn = (text: string): void => process.emitWarning(text, { type: 'OnnsightWarning', code: 'device' })
  const { load, revision, renderChat } = attachment(program, name, options, ['cpu', 'cuda'], warn)
  return loadLanguageModel(await folderOf(name, revision), load, renderChat)
}

/** The library's settings: where it looks for models, and where it keeps what it downloads. */
interface Settings {
  readonly localModelPath?: unknown
  readonly cacheDir?: unknown
}

/** The folder that the library loaded the model from: as it looks for it. */
async function folderOf(name: string, revision = 'main'): Promise<string> {
  const { localModelPath, cacheDir } = await settings()
  const places = [
    name,
    ...(typeof localModelPath === 'string' ? [join(localModelPath, name)] : []),
    ...(typeof cacheDir === 'string' ? [join(cacheDir, name, ...(revision === 'main' ? [] : [revision]))] : []),
  ]
  for (const place of places) if (await isFolder(place)) return place
  throw new LanguageModelError(
    `The files of ${name} were not found. Looked in ${places.join(', ')}.`,
    'pass the path of the folder that the program loaded the model from: attach(generator, folder)',
  )
}

async function settings(): Promise<Settings> {
  try {
    // Bundlers leave it alone, as the package is optional.
    const { env } = await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ '@huggingface/transformers')
    return env
  } catch {
    return {}
  }
}
