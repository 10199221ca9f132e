import { webProvider } from '../engine/providers/web.ts'
import { copiedWeights } from '../engine/sessions/copied-weights.ts'
import type { Provider } from '../engine/sessions/provider.ts'
import { LoadOptionError } from '../errors/input.ts'
import { ExternalDataError, ModelNotFoundError } from '../errors/onnx.ts'
import { NotInBrowserError, WebGpuUnavailableError } from '../errors/web.ts'
import { hasFloat16 } from '../model/loaded/has-float16.ts'
import { checkLoadOptions, type LoadOptions } from '../model/loaded/load-options.ts'
import type { ModelSource } from '../model/loaded/source.ts'
import type { Model, ModelMembers } from '../model/model.ts'
import { type ModelExtension, openModel } from '../model/open.ts'
import { resolveExternalData } from '../onnx/message/external-data.ts'
import { decodeModel } from '../onnx/reading/decode.ts'
import { blobSource, forgetBlob, rememberBlob } from './blobs.ts'
import { fetchBlob } from './fetch.ts'
import { isInNode } from './in-node.ts'

/** Headers of every request. */
type Headers = Readonly<Record<string, string>>

/** The files of a model. */
interface ModelFiles {
  readonly name: string
  readonly blob: Blob
  /** The file with this name beside the model; undefined if there is none. */
  fileBeside(name: string): Promise<Blob | undefined>
}

/**
 * Opens an ONNX model in a browser: from an address, a File or Blob, bytes, or several Files if its weights are in files of their own.
 * Fetched files are kept in the browser's cache. Every session has a copy of its weights; the blocks of an unedited model share one copy.
 * @throws FetchError, OutOfMemoryError, WebGpuUnavailableError, and the errors of reading: NotOnnxError, TruncatedModelError,
 * ExternalDataError, UnsupportedVersionError, UnsupportedModelError
 */
export async function load<M extends ModelMembers = Model>(source: ModelSource, options: LoadOptions = {}): Promise<M> {
  return (await loadWith(undefined, source, options)) as unknown as M
}

/** `load` for a language model too: `extension` is what it has beside its graph. */
export async function loadWith(
  extension: ModelExtension | undefined,
  source: ModelSource,
  options: LoadOptions,
  headers?: Headers,
): Promise<Model> {
  if (isInNode())
    throw new LoadOptionError(
      'load() of onnsight/web was called in Node; it is for browsers.',
      "import { load } from 'onnsight', which in Node runs on onnxruntime-node",
    )
  checkLoadOptions(options, ['wasm', 'webgpu'])
  if (options.cacheFolder !== undefined || options.profileFolder !== undefined)
    throw new LoadOptionError(
      'There are no folders in a browser.',
      'leave out cacheFolder and profileFolder: what is fetched is kept by itself',
    )
  options.signal?.throwIfAborted()
  const { name, blob, fileBeside: beside } = await filesOf(source, options, headers)
  const locations: string[] = []
  const remember = (found: Blob): string => {
    const location = rememberBlob(found)
    locations.push(location)
    return location
  }
  const forget = () => locations.forEach(forgetBlob)
  try {
    const message = await decodeModel(blobSource(blob), name, remember(blob))
    await resolveExternalData(message, name, async (location, tensor) => {
      const data = await beside(location)
      if (data) return { file: remember(data), size: data.size }
      throw new ExternalDataError(
        `${name} keeps the weight ${tensor} in ${location}, which was not found.`,
        'serve it beside the model, or give both files: load([model, data])',
      )
    })
    options.onProgress?.(1, 2, 'read')
    const provider = await chooseProvider(options, hasFloat16(message))
    const origin = {
      path: name,
      source: { path: name, options: {} },
      save: async () => {
        throw new NotInBrowserError('Saving a model to a file', 'save it in Node')
      },
      released: forget,
    }
    return await openModel(
      { message, origin, provider, preparation: copiedWeights, groupBytes: options.groupBytes ?? 0, extension },
      options,
    )
  } catch (error) {
    forget()
    throw error
  }
}

async function filesOf(source: ModelSource, options: LoadOptions, headers?: Headers): Promise<ModelFiles> {
  if (typeof source === 'string' || source instanceof URL) return filesAt(source, options, headers)
  if (Array.isArray(source)) return filesAmong(source as readonly File[])
  if (source instanceof Blob) return filesAmong([source])
  if (source instanceof ArrayBuffer || source instanceof Uint8Array)
    return filesAmong([new Blob([source as Uint8Array<ArrayBuffer>])])
  throw new LoadOptionError(
    'load() was given no model.',
    'give it an address, a File, a Blob, bytes, or a list of Files',
  )
}

async function filesAt(
  address: string | URL,
  { keep = true, signal, onProgress }: LoadOptions,
  headers?: Headers,
): Promise<ModelFiles> {
  const url = new URL(address, globalThis.document?.baseURI ?? globalThis.location?.href)
  const fetched = (from: URL) =>
    fetchBlob(from, { keep, signal, headers, onBytes: (done, total) => onProgress?.(done, total, 'fetched') })
  return { name: String(address), blob: await fetched(url), fileBeside: name => fetched(new URL(name, url)) }
}

function filesAmong(files: readonly (File | Blob)[]): ModelFiles {
  const nameOf = (file: File | Blob): string => (file as Partial<File>).name ?? 'model.onnx'
  const model = files.length === 1 ? files[0] : files.find(file => nameOf(file).endsWith('.onnx'))
  if (!model) throw new ModelNotFoundError(files.map(nameOf).join(', ') || 'no file', [])
  return {
    name: nameOf(model),
    blob: model,
    fileBeside: async name => files.find(file => nameOf(file) === name.split('/').at(-1)),
  }
}

/** @param needsFloat16 whether the model has float16 values, which not every graphics adapter can compute with */
async function chooseProvider(
  { provider = 'wasm', threads, fallback, optimization }: LoadOptions,
  needsFloat16: boolean,
): Promise<Provider> {
  const make = (device: 'wasm' | 'webgpu'): Provider =>
    webProvider({ device, optimization, ...(threads === undefined ? {} : { threads }) })
  if (provider === 'wasm') return make('wasm')
  const gpu = make('webgpu')
  try {
    await gpu.probe()
    if (needsFloat16 && !(await computesFloat16()))
      throw new WebGpuUnavailableError(
        'the model has float16 values, and the graphics adapter computes with float32 alone (it lacks shader-f16)',
      )
    return gpu
  } catch (error) {
    const unavailable =
      error instanceof WebGpuUnavailableError
        ? error
        : new WebGpuUnavailableError((error as Error).message.split('\n')[0], error)
    if (fallback !== 'wasm') throw unavailable
    console.warn(`${unavailable.message.split('\n')[0]} Running on WebAssembly.`)
    return make('wasm')
  }
}

interface Gpu {
  requestAdapter(): Promise<{ readonly features: ReadonlySet<string> } | null>
}

async function computesFloat16(): Promise<boolean> {
  const adapter = await (navigator as { gpu?: Gpu }).gpu?.requestAdapter()
  return adapter?.features.has('shader-f16') ?? false
}
