import type { LanguageModel } from '../language-model/handle.ts'
import { type AttachOptions, attachment } from '../language-model/transformers.ts'
import { loadLanguageModel } from './load-language-model.ts'

/** `attach` in a browser. */
export async function attachHere(program: unknown, name: string, options?: AttachOptions): Promise<LanguageModel> {
  const warn = (text: string): void => console.warn(text)
  const { load, revision, renderChat } = attachment(program, name, options, ['wasm', 'webgpu'], warn)
  const files = await keptFiles(name, revision)
  return loadLanguageModel(files.length > 0 ? files : name, { ...load, ...(revision ? { revision } : {}) }, renderChat)
}

/** The default name of the library's cache, `env.cacheKey`. */
const CACHE = 'transformers-cache'

/** The files of a model in the library's cache, with their paths in the model's folder. */
async function keptFiles(name: string, revision = 'main'): Promise<File[]> {
  if (!(await globalThis.caches?.has(CACHE).catch(() => false))) return []
  const cache = await caches.open(CACHE)
  const files: File[] = []
  for (const request of await cache.keys()) {
    const path = pathIn(decodeURIComponent(new URL(request.url).pathname), name, revision)
    const response = path === undefined ? undefined : await cache.match(request)
    if (path === undefined || !response) continue
    const file = new File([await response.blob()], path.slice(path.lastIndexOf('/') + 1))
    Object.defineProperty(file, 'webkitRelativePath', { value: `${name.replaceAll('/', ' ')}/${path}` })
    files.push(file)
  }
  return files.some(({ name }) => name.endsWith('.onnx')) ? files : []
}

/** A file's path in the folder of the model. In an address on the hub, it comes after `resolve/REVISION`. */
function pathIn(address: string, name: string, revision: string): string | undefined {
  const folder = `/${name.replace(/^\/|\/$/g, '')}/`
  const at = address.indexOf(folder)
  if (at < 0) return undefined
  const path = address.slice(at + folder.length)
  const onHub = /^resolve\/([^/]+)\/(.*)$/.exec(path)
  if (!onHub) return path
  return onHub[1] === revision ? onHub[2] : undefined
}
