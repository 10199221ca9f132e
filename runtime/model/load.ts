import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeProvider } from '../engine/providers/node.ts'
import { copiedWeights } from '../engine/sessions/copied-weights.ts'
import { mappedWeights } from '../engine/sessions/mapped-weights.ts'
import type { Provider } from '../engine/sessions/provider.ts'
import { OnnsightError } from '../errors/error.ts'
import { LoadOptionError } from '../errors/input.ts'
import { CudaUnavailableError } from '../errors/run.ts'
import { warn } from '../errors/warn.ts'
import { WebGpuUnavailableError } from '../errors/web.ts'
import { editModel } from '../export/edit-model.ts'
import { readModel } from '../onnx/reading/read.ts'
import { userCacheFolder } from '../onnx/weights-on-disk/cache-folder.ts'
import { openSidecar, type Sidecar } from '../onnx/weights-on-disk/sidecar.ts'
import { writeModel } from '../onnx/writing/write.ts'
import { hasFloat16 } from './loaded/has-float16.ts'
import { checkLoadOptions, type LoadOptions } from './loaded/load-options.ts'
import type { ModelSource } from './loaded/source.ts'
import type { Model, ModelMembers } from './model.ts'
import { type ModelExtension, openModel } from './open.ts'
import { packBlocks } from './pack-blocks.ts'
import { writeRepository } from './repository.ts'

/** The least bytes of weights in a session for unedited blocks. With fewer, starting it costs more than a few percent of running it. */
const GROUP_BYTES = 96 * 1024 * 1024

/**
 * Opens an ONNX file. Weights stay in their files, which onnxruntime maps. `load<Chars>('chars.onnx')` uses the types of modules that
 * `npx onnsight types chars.onnx` wrote.
 * @throws the errors of reading (ModelNotFoundError, NotOnnxError, TruncatedModelError, ExternalDataError, UnsupportedVersionError),
 * UnsupportedModelError for operators that onnxruntime lacks, CudaUnavailableError, CacheFolderError
 */
export async function load<M extends ModelMembers = Model>(source: ModelSource, options: LoadOptions = {}): Promise<M> {
  return (await loadWith(undefined, source, options)) as unknown as M
}

/** `load` for a language model too: `extension` is what it has beside its graph. */
export async function loadWith(
  extension: ModelExtension | undefined,
  source: ModelSource,
  options: LoadOptions,
): Promise<Model> {
  checkLoadOptions(options, ['cpu', 'cuda', 'wasm', 'webgpu'])
  const path = pathOf(source)
  const { cacheFolder, signal, onProgress } = options
  signal?.throwIfAborted()
  const file = await readModel(path)
  onProgress?.(1, 2, 'read')
  const provider = await chooseProvider(options, hasFloat16(file.message))
  const folder = cacheFolder === true ? userCacheFolder() : cacheFolder
  let sidecar: Sidecar | undefined
  const { signal: _signal, onProgress: _onProgress, ...plain } = options
  return openModel(
    {
      message: file.message,
      origin: {
        path: file.path,
        source: { path: resolve(file.path), options: plain },
        save: async (target, saveOptions, edits) => {
          const message = edits ? await editModel({ ...edits, file: file.message }) : file.message
          if ((saveOptions.layout ?? 'file') === 'file') await writeModel({ ...file, message }, target, saveOptions)
          else await writeRepository({ ...file, message }, target, saveOptions)
        },
      },
      provider,
      preparation: provider.copiesWeights ? copiedWeights : mappedWeights(() => sidecar),
      beforeSessions: async program => {
        if (folder === undefined || provider.copiesWeights) return
        const packing = await provider.packing?.()
        sidecar = await openSidecar(file, folder, { signal, packing: packing && packBlocks(program, packing) })
      },
      groupBytes: options.groupBytes ?? (options.blocks === undefined && !provider.copiesWeights ? GROUP_BYTES : 0),
      extension,
    },
    options,
  )
}

function pathOf(source: ModelSource): string {
  const url = String(source)
  const isAddress = source instanceof URL || (typeof source === 'string' && /^(https?|file):\/\//i.test(url))
  if (isAddress && /^file:/i.test(url)) return fileURLToPath(url)
  if (typeof source === 'string' && !isAddress) return source
  throw new LoadOptionError(
    isAddress
      ? `In Node a model is read from the disk, but this is the address ${url}.`
      : 'In Node a model is loaded from the disk.',
    isAddress
      ? `download it, curl -LO ${url}, with the files of its weights, if it has any, and give its path`
      : 'write it to a file, and give its path: onnxruntime maps its weights from there',
  )
}

/**
 * The provider that the options name. Creates a minimal session on CUDA and on WebGPU, which fails only then.
 * @throws CudaUnavailableError; MissingPackageError if there is no Chromium for WebAssembly and WebGPU; WebGpuUnavailableError
 */
async function chooseProvider(options: LoadOptions, needsFloat16: boolean): Promise<Provider> {
  const { provider = 'cpu', deviceId = 0, threads, fallback, profileFolder, optimization, runtime } = options
  const make = (device: 'cpu' | 'cuda'): Provider =>
    nodeProvider({
      device,
      deviceId,
      optimization,
      runtime,
      ...(threads === undefined ? {} : { threads }),
      ...(profileFolder === undefined ? {} : { profileFolder }),
    })
  if (provider === 'wasm' || provider === 'webgpu') {
    if (profileFolder !== undefined || runtime !== undefined)
      throw new LoadOptionError(
        `The options profileFolder and runtime are for onnxruntime-node, and the provider is ${provider}.`,
        'leave them out',
      )
    const { inChromium } = await import('../engine/providers/chromium/in-chromium.ts')
    const open = async (device: 'wasm' | 'webgpu'): Promise<Provider> => {
      const chromium = inChromium({ device, optimization, ...(threads === undefined ? {} : { threads }) }, needsFloat16)
      await chromium.probe()
      return chromium
    }
    try {
      return await open(provider)
    } catch (error) {
      if (!(error instanceof WebGpuUnavailableError) || fallback !== 'wasm') throw error
      warn(`${error.message.split('\n')[0]} Running on WebAssembly.`, 'webgpu-unavailable')
      return open('wasm')
    }
  }
  if (profileFolder !== undefined) await mkdir(profileFolder, { recursive: true })
  if (provider === 'cpu') return make('cpu')
  const cuda = make('cuda')
  try {
    await cuda.probe()
    return cuda
  } catch (error) {
    if (error instanceof OnnsightError) throw error
    const unavailable = new CudaUnavailableError(error)
    if (fallback !== 'cpu') throw unavailable
    warn(`${unavailable.message.split('\n')[0]} Running on the CPU.`, 'cuda-unavailable')
    return make('cpu')
  }
}
