import { LanguageModelError } from '../errors/language-model.ts'
import { FetchError } from '../errors/web.ts'
import { chooseGraphs, encoderPath, likelyPaths } from '../language-model/choose-graph.ts'
import type { ModelFolder } from '../language-model/folder.ts'
import type { LanguageModel } from '../language-model/handle.ts'
import { newLanguageModel } from '../language-model/new-model.ts'
import { type LanguageModelOptions, loadOptionsOf } from '../language-model/options.ts'
import { type RenderChat, readLanguage, type TokenizerSource } from '../language-model/read-language.ts'
import type { ModelSource } from '../model/loaded/source.ts'
import { fetchBlob } from './fetch.ts'
import { loadWith } from './load.ts'

/** `LanguageModel.load` in a browser. @param renderChat renders chats in the place of the folder's chat template */
export async function loadLanguageModel(
  source: string | URL | readonly File[],
  options: LanguageModelOptions = {},
  renderChat?: RenderChat,
): Promise<LanguageModel> {
  const plain = loadOptionsOf(options, ['wasm', 'webgpu'])
  const { graph, folder, tokenizer, headers, encoder } = Array.isArray(source)
    ? among(source as readonly File[], options)
    : await findAt(source as string | URL, options)
  return newLanguageModel({
    readLanguage: encoder => readLanguage(folder, { tokenizer, renderChat, encoder, ...options }),
    open: extension => loadWith(extension, graph, plain, headers),
    openEncoder: encoder === undefined ? undefined : () => loadWith(undefined, encoder, plain, headers),
  })
}

interface Found {
  readonly graph: ModelSource
  readonly encoder?: ModelSource | undefined
  readonly folder: ModelFolder
  readonly tokenizer?: TokenizerSource | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Finds the model among the Files that a user chose. Those of a folder have their paths in it. */
function among(files: readonly File[], options: LanguageModelOptions): Found {
  const pathOf = (file: File): string => file.webkitRelativePath.split('/').slice(1).join('/') || file.name
  const byPath = new Map(files.map(file => [pathOf(file), file]))
  const name = files[0]?.webkitRelativePath.split('/')[0] || 'The list of files'
  const folder: ModelFolder = {
    name,
    list: async () => [...byPath.keys()],
    text: async path => byPath.get(path)?.text(),
  }
  const { path, encoder } = chooseGraphs(name, [...byPath.keys()], options)
  const weights = files.filter(file => !file.name.endsWith('.onnx'))
  const withWeights = (path: string): File[] => [byPath.get(path)!, ...weights]
  return { graph: withWeights(path), encoder: encoder === undefined ? undefined : withWeights(encoder), folder }
}

/** A name on the hub: OWNER/NAME. */
const HUB_ID = /^[\w-][\w.-]*\/[\w-][\w.-]*$/

/** Finds the model at an address, or by its name on the hub. @throws LanguageModelError if there is no graph */
async function findAt(source: string | URL, options: LanguageModelOptions): Promise<Found> {
  const address = String(source)
  const base = globalThis.document?.baseURI ?? globalThis.location?.href
  if (address.endsWith('.onnx')) {
    const url = new URL(address, base)
    const folder = folderAt(address, new URL('.', url), options)
    const vocabulary = `${url.pathname.slice(url.pathname.lastIndexOf('/') + 1, -'.onnx'.length)}.vocab.json`
    const isThere = (await folder.text(vocabulary)) !== undefined
    return { graph: url, folder, tokenizer: isThere ? vocabulary : undefined }
  }
  const { revision = 'main', token, endpoint = 'https://huggingface.co' } = options
  const headers = token === undefined ? undefined : { Authorization: `Bearer ${token}` }
  const places: { url: URL; headers?: typeof headers }[] = [{ url: new URL(`${address.replace(/\/$/, '')}/`, base) }]
  if (HUB_ID.test(address)) places.push({ url: new URL(`${endpoint}/${address}/resolve/${revision}/`), headers })
  for (const place of places) {
    const graph = await firstThere(place.url, likelyPaths(options), place.headers)
    if (!graph) continue
    const { url, headers } = place
    // If there is an encoder, it lies beside its decoder.
    const encoderUrl = encoderPath(graph.href)
    const encoder = encoderUrl === undefined ? undefined : await firstThere(url, [encoderUrl], headers)
    return { graph, encoder, folder: folderAt(address, url, options, headers), headers }
  }
  const [usual] = likelyPaths(options)
  throw new LanguageModelError(
    `${address} has no graph of dtype ${options.dtype ?? 'fp32'}: there is no ${usual}, nor another file of the usual names.`,
    "check the address; name the build, { dtype: 'q4' }, or the path of the graph in the folder, { file: 'onnx/model_q4.onnx' }",
  )
}

async function firstThere(
  folder: URL,
  paths: readonly string[],
  headers?: Readonly<Record<string, string>>,
): Promise<URL | undefined> {
  const there = await Promise.all(
    paths.map(async path => {
      const url = new URL(path, folder)
      const response = await fetch(url, { method: 'HEAD', ...(headers ? { headers } : {}) }).catch(() => undefined)
      // Some servers answer with a page if they do not have the file.
      return response?.ok && !/text\/html/.test(response.headers.get('content-type') ?? '') ? url : undefined
    }),
  )
  return there.find(url => url !== undefined)
}

function folderAt(
  name: string,
  folder: URL,
  { keep = true, signal }: LanguageModelOptions,
  headers?: Readonly<Record<string, string>>,
): ModelFolder {
  return {
    name,
    list: async () => undefined,
    text: async path => {
      try {
        const blob = await fetchBlob(new URL(path, folder), { keep, signal, headers, onBytes: () => undefined })
        const text = await blob.text()
        return /^\s*<!doctype html/i.test(text) ? undefined : text
      } catch (error) {
        if (error instanceof FetchError && error.isMissing) return undefined
        throw error
      }
    },
  }
}
