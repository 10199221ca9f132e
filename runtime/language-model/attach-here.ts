import { join } from 'node:path'
import { LanguageModelError } from '../errors/language-model.ts'
import { warn } from '../errors/warn.ts'
import type { LanguageModel } from './handle.ts'
import { isFolder } from './hub/cache.ts'
import { loadLanguageModel } from './load.ts'
import { type AttachOptions, attachment } from './transformers.ts'

/** `attach` in Node. */
export async function attachHere(program: unknown, name: string, options?: AttachOptions): Promise<LanguageModel> {
  const { load, revision, renderChat } = attachment(program, name, options, ['cpu', 'cuda'], text =>
    warn(text, 'device'),
  )
  return loadLanguageModel(await folderOf(name, revision), load, renderChat)
}

/** The library's settings: the folder in which it looks for models, and the folder of its downloads. */
interface Settings {
  readonly localModelPath?: unknown
  readonly cacheDir?: unknown
}

/** The folder from which the library loaded the model. This looks in the same places as the library. */
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
    // The comments keep bundlers from including the package, which is optional.
    const { env } = await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ '@huggingface/transformers')
    return env
  } catch {
    return {}
  }
}
