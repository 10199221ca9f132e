import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LanguageModelError } from '../errors/language-model.ts'
import { loadWith } from '../model/load.ts'
import type { ModelExtension } from '../model/open.ts'
import { chooseGraphs } from './choose-graph.ts'
import { diskFolder } from './disk-folder.ts'
import type { ModelFolder } from './folder.ts'
import type { LanguageModel } from './handle.ts'
import { snapshotIn } from './hub/cache.ts'
import { newLanguageModel } from './new-model.ts'
import { type LanguageModelOptions, loadOptionsOf } from './options.ts'
import { type RenderChat, readLanguage, type TokenizerSource } from './read-language.ts'

/** `LanguageModel.load` in Node. @param renderChat renders chats in the place of the folder's chat template */
export async function loadLanguageModel(
  source: string | URL,
  options: LanguageModelOptions = {},
  renderChat?: RenderChat,
): Promise<LanguageModel> {
  const plain = loadOptionsOf(options, ['cpu', 'cuda', 'wasm', 'webgpu'])
  const { path, folder, ...found } = await find(source instanceof URL ? fileURLToPath(source) : source, options)
  const open = (graph: string, extension?: ModelExtension) => loadWith(extension, graph, plain)
  return newLanguageModel({
    readLanguage: encoder => readLanguage(folder, { tokenizer: found.tokenizer, renderChat, encoder, ...options }),
    open: extension => open(path, extension),
    openEncoder: found.encoder === undefined ? undefined : () => open(found.encoder!),
  })
}

interface Found {
  readonly path: string
  readonly folder: ModelFolder
  readonly tokenizer?: TokenizerSource | undefined
  readonly encoder?: string | undefined
}

async function find(source: string, options: LanguageModelOptions): Promise<Found> {
  const found = await stat(source).catch(() => undefined)
  if (found?.isFile()) return findBeside(source)
  const path = found ? ((await snapshotIn(source, options.revision)) ?? source) : await fromHub(source, options)
  const folder = diskFolder(path)
  const graphs = chooseGraphs(source, (await folder.list()) ?? [], options)
  const { encoder } = graphs
  return { path: join(path, graphs.path), folder, encoder: encoder === undefined ? undefined : join(path, encoder) }
}

/** A name on the hub: OWNER/NAME, or NAME alone. */
const HUB_ID = /^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/

/** The folder of a model from the hub. @throws LanguageModelError for an id that is no name on the hub: a path where nothing exists */
async function fromHub(id: string, options: LanguageModelOptions): Promise<string> {
  if (!HUB_ID.test(id) || id.endsWith('.onnx'))
    throw new LanguageModelError(
      `There is no file or folder ${id}.`,
      'check the path; a model of the hub is named OWNER/NAME, as onnx-community/gpt2-ONNX',
    )
  const { hubSnapshot } = await import('./hub/download.ts')
  return hubSnapshot(id, options)
}

/** Finds the tokenizer that lies beside a graph: a vocabulary of characters, NAME.vocab.json, or tokenizer.json. */
async function findBeside(path: string): Promise<Found> {
  const folder = diskFolder(dirname(path))
  const vocabulary = `${basename(path, '.onnx')}.vocab.json`
  const isThere = (await folder.text(vocabulary)) !== undefined
  return { path, folder, tokenizer: isThere ? vocabulary : undefined }
}
