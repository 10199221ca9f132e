import { jsonOf } from '../../cli/outputs/to-json.ts'
import { outputsOf } from '../../cli/run/template.ts'
import type { LoadOptions, Model, Tensor, WorkerBackend } from '../../runtime/index.ts'
import { toTensor } from '../../runtime/tensor/values/convert.ts'
import { viewCode } from '../code/code.ts'
import { inputsOf } from '../model/inputs.ts'
import { ModelFile } from '../model/model-file.ts'
import { viewedModel } from '../model/viewed-model.ts'
import { tokenOf, type Vocabulary } from '../model/vocabulary.ts'
import type { RunRequest, RunResult, Tokens, ViewedModel, ViewRequest } from '../protocol/api.ts'
import { compare } from '../readings/compare.ts'
import { viewHeads } from '../readings/heads.ts'
import { viewLens } from '../readings/lens.ts'
import { viewLine } from '../readings/line.ts'
import type { BatchRow } from '../readings/map.ts'
import { viewModule } from '../readings/module.ts'
import { recorded, type Traced } from '../readings/traced.ts'
import { Turns } from './one-at-a-time.ts'
import { unreadable } from './refusal.ts'
import {
  codeRequest,
  compareRequest,
  headsRequest,
  lensRequest,
  moduleRequest,
  rowRequest,
  runRequest,
  tokensRequest,
} from './requests.ts'

export interface ViewerOptions {
  readonly backend: WorkerBackend
  readonly vocabulary: Vocabulary | undefined
  readonly options: LoadOptions
}

/** The handler of one API call. */
export interface Call {
  readonly method: 'GET' | 'POST'
  /** `signal` ends it, also in the middle of a run. @throws Refusal, and the errors of traces */
  answer(body: unknown, signal: AbortSignal): unknown
}

/** Answers the page's requests about a model. */
export class Viewer {
  readonly calls: ReadonlyMap<string, Call>
  readonly #model: Model
  readonly #backend: WorkerBackend
  readonly #vocabulary: Vocabulary | undefined
  readonly #viewed: ViewedModel
  readonly #turns = new Turns()
  readonly #file: ModelFile

  constructor(model: Model, { backend, vocabulary, options }: ViewerOptions) {
    this.#model = model
    this.#backend = backend
    this.#vocabulary = vocabulary
    this.#file = new ModelFile(model.name)
    this.#viewed = viewedModel(model, String(options.provider ?? 'cpu'), vocabulary !== undefined)
    this.calls = new Map<string, Call>([
      ['model', { method: 'GET', answer: () => this.#viewed }],
      ['tokens', { method: 'POST', answer: body => this.#tokens(body) }],
      ['run', this.#running(runRequest, (request, traced) => this.#run(request, traced))],
      [
        'module',
        this.#running(moduleRequest, async (request, traced) => {
          const inputs = await this.#inputs(request)
          return viewModule(traced, inputs, request, this.#batchIn(inputs, request), this.#tokensIn(inputs))
        }),
      ],
      [
        'heads',
        this.#running(headsRequest, async (request, traced) => {
          const inputs = await this.#inputs(request)
          this.#batchIn(inputs, request)
          return viewHeads(traced, inputs, request, this.#tokensIn(inputs))
        }),
      ],
      [
        'row',
        this.#running(rowRequest, async (request, traced) => {
          const inputs = await this.#inputs(request)
          return viewLine(traced, inputs, request, this.#batchIn(inputs, request))
        }),
      ],
      [
        'lens',
        this.#running(lensRequest, async (request, traced) => {
          const inputs = await this.#inputs(request)
          this.#batchIn(inputs, request)
          return viewLens(traced, inputs, request, this.#tokensIn(inputs) ?? 1, this.#viewed.logits, vocabulary)
        }),
      ],
      [
        'code',
        this.#running(codeRequest, async (request, traced) => {
          const inputs = await this.#inputs(request)
          this.#batchIn(inputs, request)
          return viewCode(traced, inputs, request, this.#viewed, this.#tokensIn(inputs))
        }),
      ],
      [
        'compare',
        this.#running(compareRequest, async (request, traced) =>
          compare(traced, await this.#inputs(request), request, this.#viewed.logits, vocabulary),
        ),
      ],
    ])
  }

  /** Runs a call that runs the model; only one runs at a time. */
  #running<R>(read: (body: unknown) => R, answer: (request: R, traced: Traced) => Promise<unknown>): Call {
    return {
      method: 'POST',
      answer: (body, signal) => {
        const request = read(body)
        const traced = { model: this.#model, options: { backend: this.#backend, signal } }
        const turn = this.#turns.take(signal, () => answer(request, traced))
        return turn.catch((error: unknown) => {
          throw this.#file.explained(error)
        })
      },
    }
  }

  #inputs(request: RunRequest) {
    return inputsOf(this.#model, request, this.#viewed.ids, this.#vocabulary)
  }

  #tokensIn(inputs: unknown): number | undefined {
    return this.#idsIn(inputs)?.[1]
  }

  /** @throws Refusal if the ids have no such row */
  #batchIn(inputs: unknown, { batch: at = 0 }: ViewRequest): BatchRow {
    const of = this.#idsIn(inputs)?.[0]
    if (of !== undefined && at >= of)
      throw unreadable(`There is no row ${at} in the batch: there are ${of}.`, 'choose another')
    return { at, of }
  }

  /** Rows and tokens. */
  #idsIn(inputs: unknown): readonly number[] | undefined {
    const { ids } = this.#viewed
    const given = ids === undefined ? undefined : (inputs as Record<string, Tensor>)[ids]
    return given && (toTensor(given).dims as number[])
  }

  #tokens(body: unknown): Tokens {
    const request = tokensRequest(body)
    if ('text' in request && !this.#vocabulary)
      throw unreadable('There is no vocabulary.', 'give token ids, or start the command with --vocab')
    const ids = 'text' in request ? this.#vocabulary!.encode(request.text) : request.ids
    return { tokens: ids.map(id => tokenOf(this.#vocabulary, id)) }
  }

  async #run(request: RunRequest, traced: Traced): Promise<RunResult> {
    const { results, printed } = await recorded(
      traced,
      await this.#inputs(request),
      request.template,
      (model, { saved, printed }) => ({ results: Object.keys(saved).length > 0 ? saved : outputsOf(model), printed }),
    )
    return { results: jsonOf(results) as RunResult['results'], printed }
  }
}
