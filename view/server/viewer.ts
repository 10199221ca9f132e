import { jsonOf } from '../../cli/outputs/to-json.ts'
import { outputsOf } from '../../cli/run/template.ts'
import type { Inputs, LoadOptions, Model, Tensor, WorkerBackend } from '../../runtime/index.ts'
import type { Language } from '../../runtime/language-inputs/language.ts'
import { toTensor } from '../../runtime/tensor/values/convert.ts'
import type { Beside, SentInputs } from '../beside/messages.ts'
import type { TwoModels } from '../beside/two-models.ts'
import { type ShownModel, viewCode } from '../code/code.ts'
import { describeModel } from '../model/describe-model.ts'
import { inputsOf } from '../model/inputs.ts'
import { ModelFile } from '../model/model-file.ts'
import type { OpenedModel, Opening } from '../model/open-model.ts'
import { tokenOf } from '../model/tokens.ts'
import type {
  Checked,
  ComparisonRequest,
  ModelDescription,
  RunRequest,
  RunResult,
  Tokens,
  ViewRequest,
} from '../protocol/api.ts'
import { viewAttention, viewAttentionHead } from '../readings/attention.ts'
import { compare } from '../readings/compare.ts'
import { viewGenerated } from '../readings/generate.ts'
import { viewGraph } from '../readings/graph.ts'
import { viewHeads } from '../readings/heads.ts'
import { viewAblation, viewImportance } from '../readings/importance.ts'
import { viewLens } from '../readings/lens.ts'
import { viewLine } from '../readings/line.ts'
import type { BatchRow } from '../readings/map.ts'
import { viewModule } from '../readings/module.ts'
import { listOperations } from '../readings/operations.ts'
import { viewOverview } from '../readings/overview.ts'
import { viewPatched, viewPatchedLens } from '../readings/patch.ts'
import { Steerer } from '../readings/steer.ts'
import { type TraceTarget, traceWithTemplate } from '../readings/template-trace.ts'
import { vocabularyOf, withVocabulary } from '../readings/vocabulary.ts'
import { lastAnswer } from './last-answer.ts'
import { Turns } from './one-at-a-time.ts'
import { Refusal, unreadable } from './refusal.ts'
import {
  ablationRequest,
  attentionHeadRequest,
  attentionRequest,
  codeRequest,
  compareRequest,
  comparisonRequest,
  generateRequest,
  graphRequest,
  headsRequest,
  importanceRequest,
  lensRequest,
  moduleRequest,
  operationsRequest,
  overviewRequest,
  partingRequest,
  patchedLensRequest,
  patchRequest,
  rowRequest,
  runRequest,
  steerRequest,
  tokensRequest,
} from './requests.ts'

export interface ViewerOptions {
  /** A second model, with which the first one is compared. */
  readonly beside?: { readonly models: TwoModels; readonly about: Beside } | undefined
  readonly backend: WorkerBackend
  readonly options: LoadOptions
}

/** The handler of one API call. */
export interface Call {
  readonly method: 'GET' | 'POST'
  /**
   * Returns the answer, or sends it in parts and returns nothing. `signal` ends it, also during a run. @throws Refusal, and the errors of traces
   */
  answer(body: unknown, signal: AbortSignal, send: (part: unknown) => void): unknown
}

/** Answers the page's requests about a model. */
export class Viewer {
  readonly calls: ReadonlyMap<string, Call>
  readonly #model: Model
  readonly #backend: WorkerBackend
  readonly #language: Language | undefined
  readonly #opening: Opening
  readonly #description: ModelDescription
  readonly #turns = new Turns()
  readonly #file: ModelFile
  readonly #steerer: Steerer
  readonly #beside: ViewerOptions['beside']

  constructor(opened: OpenedModel, { backend, options, beside }: ViewerOptions) {
    const { model, language, opening } = opened
    this.#model = model
    this.#backend = backend
    this.#language = language
    this.#opening = opening
    this.#file = new ModelFile(model.name)
    this.#beside = beside
    const description = describeModel(opened, String(options.provider ?? 'cpu'))
    this.#description = beside
      ? { ...description, beside: { name: beside.about.name, title: beside.about.title } }
      : description
    this.#steerer = new Steerer(this.#description, language)
    const vocabulary = vocabularyOf(this.#description.logits, language)
    this.calls = new Map<string, Call>([
      ['model', { method: 'GET', answer: () => this.#description }],
      ['operations', { method: 'POST', answer: body => listOperations(model, operationsRequest(body)) }],
      ['graph', { method: 'POST', answer: body => viewGraph(model, graphRequest(body)) }],
      ['tokens', { method: 'POST', answer: body => this.#tokens(body) }],
      ['run', this.#running(runRequest, (request, target) => this.#run(request, target))],
      ['check', this.#running(runRequest, (request, target) => this.#check(request, target))],
      [
        'overview',
        this.#viewing(overviewRequest, (request, target, inputs, batch) =>
          viewOverview(target, inputs, request, batch, this.#description.logits, language),
        ),
      ],
      [
        'module',
        this.#viewing(moduleRequest, async (request, target, inputs, batch) =>
          withVocabulary(await viewModule(target, inputs, request, batch, this.#tokensIn(inputs)), vocabulary),
        ),
      ],
      [
        'heads',
        this.#viewing(headsRequest, (request, target, inputs) =>
          viewHeads(target, inputs, request, this.#tokensIn(inputs)),
        ),
      ],
      [
        'row',
        this.#viewing(rowRequest, (request, target, inputs, batch) =>
          viewLine(target, inputs, request, batch, vocabulary),
        ),
      ],
      [
        'lens',
        this.#viewing(lensRequest, (request, target, inputs) =>
          viewLens(target, inputs, request, this.#rowIn(inputs, request), this.#description.logits, language),
        ),
      ],
      [
        'patch',
        this.#viewing(patchRequest, (request, target, inputs, _, send) =>
          viewPatched(target, this.#rowIn(inputs, request), request, this.#description.logits, language, send),
        ),
      ],
      [
        'patched-lens',
        this.#viewing(patchedLensRequest, (request, target, inputs) =>
          viewPatchedLens(target, this.#rowIn(inputs, request), request, this.#description.logits, language),
        ),
      ],
      [
        'importance',
        this.#viewing(importanceRequest, (request, target, inputs) =>
          viewImportance(target, this.#rowIn(inputs, request), request, this.#description.logits, language),
        ),
      ],
      [
        'ablation',
        this.#viewing(ablationRequest, (request, target, inputs, _, send) =>
          viewAblation(target, this.#rowIn(inputs, request), request, this.#description.logits, language, send),
        ),
      ],
      [
        'generate',
        this.#viewing(generateRequest, (request, target, inputs, _, send) =>
          viewGenerated(target, this.#prompt(inputs, request), request, this.#description.logits, language, send),
        ),
      ],
      [
        'steer',
        this.#viewing(steerRequest, (request, target, inputs, _, send) =>
          this.#steerer.view(target, this.#prompt(inputs, request), request, send),
        ),
      ],
      [
        'attention',
        this.#running(
          attentionRequest,
          lastAnswer(async (request, target) => viewAttention(target, await this.#inputsOfRow(request), request)),
        ),
      ],
      [
        'attention-head',
        this.#viewing(attentionHeadRequest, (request, target, inputs) => viewAttentionHead(target, inputs, request)),
      ],
      [
        'code',
        this.#viewing(codeRequest, (request, target, inputs) =>
          viewCode(target, inputs, request, this.#program, this.#tokensIn(inputs), this.#rowIn(inputs, request)),
        ),
      ],
      [
        'compare',
        this.#running(compareRequest, async (request, target) =>
          compare(target, await this.#inputs(request), request, this.#description.logits, language),
        ),
      ],
      [
        'comparison',
        this.#running(comparisonRequest, async (request, { options: { signal } }, send) =>
          this.#twoModels.compare(await this.#compared(request), signal!, send),
        ),
      ],
      [
        'parting',
        this.#running(partingRequest, async (request, { options: { signal } }) =>
          this.#twoModels.tokens(await this.#compared(request), request.input, request.from ?? 0, signal!),
        ),
      ],
    ])
  }

  /** Makes the handler of a call that runs the model. Only one of them runs at a time. */
  #running<R>(
    read: (body: unknown) => R,
    answer: (request: R, target: TraceTarget, send: (part: unknown) => void) => Promise<unknown>,
  ): Call {
    return {
      method: 'POST',
      answer: (body, signal, send) => {
        const request = read(body)
        const target = { model: this.#model, options: { backend: this.#backend, signal } }
        const turn = this.#turns.take(signal, () => answer(request, target, send))
        return turn.catch((error: unknown) => {
          throw this.#file.explain(error)
        })
      },
    }
  }

  /** Makes the handler of a call that shows one row of the batch of its inputs. */
  #viewing<R extends ViewRequest>(
    read: (body: unknown) => R,
    answer: (
      request: R,
      target: TraceTarget,
      inputs: Inputs,
      batch: BatchRow,
      send: (part: unknown) => void,
    ) => Promise<unknown>,
  ): Call {
    return this.#running(read, async (request, target, send) => {
      const inputs = await this.#inputs(request)
      return answer(request, target, inputs, this.#batchIn(inputs, request), send)
    })
  }

  /** The inputs of a request that shows one row of the batch. @throws Refusal if there is no such row */
  async #inputsOfRow(request: ViewRequest): Promise<Inputs> {
    const inputs = await this.#inputs(request)
    this.#batchIn(inputs, request)
    return inputs
  }

  get #twoModels(): TwoModels {
    if (this.#beside) return this.#beside.models
    throw new Refusal(
      422,
      'view-comparison',
      'There is no second model.',
      'start the command with --beside and a model',
    )
  }

  /** The inputs on which both models run. */
  async #compared(request: ComparisonRequest): Promise<SentInputs> {
    const { on, texts = [] } = request.comparing
    if (on === 'many') return { on }
    if (on === 'texts') return { on, texts }
    const inputs = (await this.#inputs(request)) as Record<string, Tensor>
    const tensors = Object.entries(inputs).map(([name, value]) => {
      const { type, dims, data } = toTensor(value) as unknown as Tensor
      return [name, { type, dims, data }]
    })
    const { ids } = this.#description
    const text = this.#idsIn(inputs)?.tolist() as (number | bigint)[][] | undefined
    const label = (ids && text && this.#language?.decode(text[0].map(Number))) ?? 'the input'
    return { on, label, tensors: Object.fromEntries(tensors) as never }
  }

  /** The facts about the model that programs for the page begin with. */
  get #program(): ShownModel {
    return {
      opening: this.#opening,
      ids: this.#description.ids,
      description: this.#description,
      beside: this.#beside?.about.opening,
    }
  }

  #inputs(request: RunRequest) {
    return inputsOf(this.#model, request, this.#description.ids, this.#language)
  }

  #tokensIn(inputs: unknown): number | undefined {
    return this.#idsIn(inputs)?.dims[1] as number | undefined
  }

  /** @throws Refusal if the ids have no such row */
  #batchIn(inputs: unknown, { batch: at = 0 }: ViewRequest): BatchRow {
    const of = this.#idsIn(inputs)?.dims[0] as number | undefined
    if (of !== undefined && at >= of)
      throw unreadable(`There is no row ${at} in the batch: it has ${of}.`, 'choose another row')
    return { at, of }
  }

  /** The inputs of a generation: the ids of the row that is shown, and the other inputs that the user passed. */
  #prompt(inputs: unknown, request: ViewRequest): Inputs {
    const { ids } = this.#description
    const row = [this.#rowIn(inputs, request)]
    const others = Object.keys(request.inputs).filter(name => name !== ids)
    if (ids === undefined || others.length === 0) return row
    const passed = inputs as Record<string, Tensor>
    return { [ids]: row, ...Object.fromEntries(others.map(name => [name, passed[name]])) }
  }

  /** The token ids of the row that is shown. */
  #rowIn(inputs: unknown, { batch = 0 }: ViewRequest): number[] {
    const ids = this.#idsIn(inputs)
    return ids ? (ids.tolist() as (number | bigint)[][])[batch].map(Number) : [0]
  }

  /** The token ids, `[row of the batch, token]`. */
  #idsIn(inputs: unknown): Tensor | undefined {
    const { ids } = this.#description
    const value = ids === undefined ? undefined : (inputs as Record<string, Tensor>)[ids]
    return value && (toTensor(value) as unknown as Tensor)
  }

  #tokens(body: unknown): Tokens {
    const request = tokensRequest(body)
    if ('text' in request && !this.#language)
      throw unreadable('There is no vocabulary.', 'pass token ids, or start the command with --vocab')
    const ids = 'text' in request ? this.#language!.encodeRow(request.text) : request.ids
    return { tokens: ids.map(id => tokenOf(this.#language, id)) }
  }

  async #check(request: RunRequest, { model, options }: TraceTarget): Promise<Checked> {
    await model.trace(await this.#inputs(request), options, outputsOf as never)
    return { fits: true }
  }

  async #run(request: RunRequest, target: TraceTarget): Promise<RunResult> {
    const { results, printed } = await traceWithTemplate(
      target,
      await this.#inputs(request),
      request.template,
      (model, { saved, printed }) => ({ results: Object.keys(saved).length > 0 ? saved : outputsOf(model), printed }),
    )
    return { results: jsonOf(results) as RunResult['results'], printed }
  }
}
