import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { answerRequests } from '../../runtime/child-process/answer-requests.ts'
import { ServeError } from '../../runtime/errors/serve.ts'
import { LanguageModel, load, type Model } from '../../runtime/index.ts'
import type { LoadedModel } from '../../runtime/model/loaded/loaded-model.ts'
import { skeletonOf } from '../../runtime/remote/skeleton.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'
import { generateTexts } from './generate.ts'
import { languageFiles } from './language-files.ts'
import type { ModelFacts, ModelRequest } from './messages.ts'
import { runGraphs } from './run-graphs.ts'

/* The process that runs one model of a server. */

let loading: Promise<Model> | undefined
let isLanguageModel = false
let openedAt = ''
const running = new Map<number, AbortController>()

async function open(path: string, options: object): Promise<Model> {
  isLanguageModel =
    (await stat(path).catch(() => undefined))?.isDirectory() === true ||
    !existsSync(path) ||
    existsSync(path.replace(/\.onnx$/, '.vocab.json'))
  return isLanguageModel ? ((await LanguageModel.load(path, options)) as unknown as Model) : load(path, options)
}

async function answer(request: ModelRequest, part: (part: unknown) => void): Promise<unknown> {
  if (request.kind === 'load') {
    openedAt = request.path
    loading = open(request.path, request.options)
    return facts(await loading)
  }
  if (request.kind === 'cancel') {
    running.get(request.run)?.abort(new Error('Nobody waits for the answer any more.'))
    return undefined
  }
  const model = await loading!
  if (request.kind === 'skeleton') return skeletonOf(asTraceable(model, 'serve').source.path)
  if (request.kind === 'language')
    return isLanguageModel ? languageFiles(openedAt, asTraceable(model, 'serve').source.path) : { files: {} }
  const controller = new AbortController()
  running.set(request.run, controller)
  try {
    if (request.kind === 'graphs') return await runGraphs(asTraceable(model, 'serve'), request.jobs, controller.signal)
    if (request.kind === 'generate') {
      if (!isLanguageModel)
        throw new ServeError(
          'This model has no tokenizer, so it generates no text.',
          'serve a folder with a model and its tokenizer',
        )
      return await generateTexts(
        model as unknown as LanguageModel,
        request.settings,
        request.jobs,
        controller.signal,
        part,
      )
    }
    return undefined
  } finally {
    running.delete(request.run)
  }
}

function facts(model: Model): ModelFacts {
  const { inputs, outputs } = model.signature
  const loaded = asTraceable(model, 'serve') as LoadedModel
  const declared = (all: typeof inputs) =>
    all.map(({ name, type, dims }) => ({ name, type, dims: dims ? dims.map(dim => dim ?? null) : null }))
  return {
    inputs: declared(inputs),
    outputs: declared(outputs),
    tree: String(model),
    modules: loaded.usual.engine.program.tree.modules.map(({ path }) => path).filter(path => path !== ''),
    hasTokenizer: isLanguageModel,
  }
}

answerRequests<ModelRequest>(answer, async () => (await loading)?.release())
