import { fromBinary } from '@bufbuild/protobuf'
import { nodeProvider } from '../engine/providers/node.ts'
import { mappedWeights } from '../engine/sessions/mapped-weights.ts'
import type { Provider, Session } from '../engine/sessions/provider.ts'
import { LoadOptionError } from '../errors/input.ts'
import { LanguageModelError } from '../errors/language-model.ts'
import { RemoteError } from '../errors/remote.ts'
import type { ModelFolder } from '../language-model/folder.ts'
import type { LanguageModel } from '../language-model/handle.ts'
import type { LanguageParts } from '../language-model/new-model.ts'
import { type LanguageModelOptions, loadOptionsOf } from '../language-model/options.ts'
import { load as loadFile } from '../model/load.ts'
import type { LoadOptions } from '../model/loaded/load-options.ts'
import type { Origin } from '../model/loaded/loaded-model.ts'
import type { ModelSource } from '../model/loaded/source.ts'
import type { Variants } from '../model/loaded/variants.ts'
import type { Model, ModelMembers } from '../model/model.ts'
import { type ModelExtension, makeVariants, modelOf } from '../model/open.ts'
import { ModelProtoSchema } from '../onnx/schema/onnx_pb.ts'
import { findModel } from './backend.ts'
import { ask, type RemoteModel } from './client.ts'
import { RemoteRunner } from './runner.ts'
import { Shared, sharedKey } from './shared.ts'
import type { LanguageFiles } from './wire.ts'

/*
 * Models of one graph that are open at the same time share what follows from the graph alone: modules, dims, plans. Each has edits of its own.
 */
const graphs = new Shared<Variants>(variants => variants.own())
const languages = new Shared<Awaited<ReturnType<LanguageParts['readLanguage']>>>()

/** The files of a tokenizer, as they came and read. */
type SentLanguage = LanguageFiles & { readonly bytes: Uint8Array }

/** Options of `load`. */
export interface RemoteLoadOptions extends LoadOptions {
  /** For a model on a server: the token that the server knows you by. */
  readonly token?: string
}

/**
 * Opens an ONNX file, or a model on a server of `onnsight serve`, by its address: `load('http://localhost:8000/models/chars')`. Weights of a file
 * stay there, and onnxruntime maps them. Those of a server stay on the server: module tree, types and scan are here, and traces run there. A language
 * model of a server brings its tokenizer: `load<LanguageModel>(url)`.
 * `load<Chars>('chars.onnx')` uses the types of modules that `npx onnsight types chars.onnx` wrote.
 * @throws the errors of reading (ModelNotFoundError, NotOnnxError, TruncatedModelError, ExternalDataError, UnsupportedVersionError),
 * UnsupportedModelError for operators that onnxruntime lacks, CudaUnavailableError, CacheFolderError, RemoteError
 */
export async function load<M extends ModelMembers = Model>(
  source: ModelSource,
  options: RemoteLoadOptions = {},
): Promise<M> {
  const { token, ...plain } = options
  if (!isServer(source)) return loadFile<M>(source, plain)
  const found = await findModel(String(source), token === undefined ? {} : { token })
  const files = await languageOf(found, plain)
  const model = files.tokenizer === undefined ? openRemote(found, plain) : openLanguageModel(found, files, plain, {})
  return (await model) as unknown as M
}

/** Whether this is the address of a model on a server, and not that of a file. */
export function isServer(source: ModelSource): source is string | URL {
  const isAddress = typeof source === 'string' || source instanceof URL
  return isAddress && /^https?:/i.test(String(source)) && !/\.onnx$/i.test(String(source))
}

/** `LanguageModel.load` of a server's address. @throws RemoteError; LanguageModelError for a model without a tokenizer; LoadOptionError */
export async function loadRemoteLanguageModel(
  source: string | URL,
  { token, specialTokens, ...rest }: LanguageModelOptions = {},
): Promise<LanguageModel> {
  const plain = loadOptionsOf({ ...rest, ...(specialTokens === undefined ? {} : { specialTokens }) }, ['cpu', 'cuda'])
  const unused = Object.keys(rest).filter(name => !(name in plain))
  if (unused.length > 0)
    throw new LoadOptionError(
      `The option ${unused[0]} says which files are read, and ${source} is a model on a server.`,
      'leave it out: the server has chosen them',
    )
  const found = await findModel(String(source), token === undefined ? {} : { token })
  const files = await languageOf(found, plain)
  if (files.tokenizer === undefined)
    throw new LanguageModelError(
      `${found.url} has no tokenizer.`,
      'open it with load(url) and pass token ids, or put its tokenizer.json beside the model on the server',
    )
  return openLanguageModel(found, files, plain, specialTokens === undefined ? {} : { specialTokens })
}

async function openLanguageModel(
  found: RemoteModel,
  { bytes, tokenizer, files }: SentLanguage,
  options: LoadOptions,
  reading: Pick<LanguageModelOptions, 'specialTokens'>,
): Promise<LanguageModel> {
  const [{ newLanguageModel }, { readLanguage }] = await Promise.all([
    import('../language-model/new-model.ts'),
    import('../language-model/read-language.ts'),
  ])
  const folder: ModelFolder = {
    name: found.url,
    list: () => Promise.resolve(Object.keys(files)),
    text: name => Promise.resolve(files[name]),
  }
  return newLanguageModel({
    readLanguage: () =>
      languages.get(sharedKey(bytes, found.url, reading), () => readLanguage(folder, { tokenizer, ...reading })),
    open: extension => openRemote(found, options, extension),
    openEncoder: undefined,
  })
}

async function languageOf(model: RemoteModel, { signal }: LoadOptions): Promise<SentLanguage> {
  const response = await ask(model, '/language', signal ? { signal } : {})
  const bytes = new Uint8Array(await response.arrayBuffer())
  return { bytes, ...(JSON.parse(new TextDecoder().decode(bytes)) as LanguageFiles) }
}

async function openRemote(found: RemoteModel, options: LoadOptions, extension?: ModelExtension): Promise<Model> {
  const response = await ask(found, '/skeleton', options.signal ? { signal: options.signal } : {})
  const bytes = new Uint8Array(await response.arrayBuffer())
  const { signal, onProgress, ...known } = options
  const variants = await graphs.get(sharedKey(bytes, found.url, known), () =>
    makeVariants(
      {
        message: fromBinary(ModelProtoSchema, bytes),
        name: found.url,
        provider: skeletonsOnly(nodeProvider({ device: 'cpu', deviceId: 0 }), found.url),
        preparation: mappedWeights(),
        groupBytes: Number.POSITIVE_INFINITY,
      },
      known,
    ),
  )
  const origin: Origin = {
    path: found.url,
    source: { path: found.url, options: {} },
    newRunner: () => new RemoteRunner(() => Promise.resolve(found)),
    save: () => {
      throw withoutWeights(found.url)
    },
  }
  try {
    const model = await modelOf(variants, { origin, extension }, known)
    signal?.throwIfAborted()
    onProgress?.(1, 1, 'read')
    return model
  } catch (error) {
    await variants.release()
    throw error
  }
}

const withoutWeights = (url: string): RemoteError =>
  new RemoteError(
    `The weights of ${url} are on the server.`,
    'trace the model, which runs there, or load its file for what needs them here',
  )

/** Sessions that run the model are never needed here. All others infer dims, and compute small integers. */
function skeletonsOnly(provider: Provider, url: string): Provider {
  const none: Session = {
    outputs: [],
    run: () => Promise.reject(withoutWeights(url)),
    release: () => Promise.resolve(),
  }
  return {
    ...provider,
    create: (model, options) =>
      options.optimize === 'model' ? Promise.resolve(none) : provider.create(model, options),
    probe: () => provider.probe(),
  }
}
