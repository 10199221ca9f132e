import { ArgumentError } from '../../runtime/errors/tensor.ts'
import { idsOf } from '../../runtime/language-inputs/ids-and-logits.ts'
import type { Inputs } from '../../runtime/model/loaded/inputs.ts'
import type { Model } from '../../runtime/model/model.ts'
import { isFloat } from '../../runtime/tensor/dtypes/dtype.ts'
import { Tensor } from '../../runtime/tensor/tensor.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'
import type { TraceOptions } from '../../runtime/tracing/tracer.ts'
import type { Metric, MetricContext } from '../metrics.ts'
import { copiesOf } from '../model/prompt-rows.ts'
import { StudiedModel, type Vocabulary } from '../model/studied-model.ts'
import type { Site } from '../sweeps/sites.ts'
import { rowsAtOnce } from '../sweeps/variants.ts'

/** Options of every attribution. */
export interface AttributedOptions extends TraceOptions {
  /** The metric whose value is attributed: `logitDifference(' Paris', ' Rome')`, `score(3)`, or a metric of your own. */
  readonly metric: Metric
  /**
   * The place whose elements get the attributions: the path of a module (its output), the name of a hook, the name of an input, or a function
   * that reads the place in a trace. @default the embeddings of the tokens; for a model without token ids, its first float input
   */
  readonly at?: AttributedPlace
  /** The output that the metric measures, for a model that is no language model. @default its first float output */
  readonly output?: string
  /** Texts of the tokens, by id. */
  readonly vocabulary?: Vocabulary
}

/** A place with a float value: its name, or a function that reads it in a trace. */
export type AttributedPlace = string | ((model: Model) => Tensor)

export const ATTRIBUTED_OPTIONS = ['metric', 'at', 'output', 'vocabulary'] as const

/** One input of a model, a place in its run, and a metric of its output. */
export class Subject {
  readonly studied: StudiedModel
  readonly metric: Metric
  /** All inputs of the model, with one row. */
  readonly inputs: Readonly<Record<string, Tensor>>
  /** The token ids; undefined for a model that takes none. */
  readonly ids: readonly number[] | undefined
  readonly #at: AttributedPlace
  readonly #output: string | undefined
  readonly #options: TraceOptions

  /** @throws StudyError for several prompts, ArgumentError for a metric that is none */
  static async of(
    study: string,
    model: Model,
    prompt: Inputs,
    options: AttributedOptions,
    tracing: TraceOptions,
  ): Promise<Subject> {
    const studied = new StudiedModel(study, model, options.vocabulary)
    if (typeof options.metric?.measure !== 'function')
      throw new ArgumentError(
        'The metric has no function measure.',
        undefined,
        'give one of logitDifference(…), score(…), probability(…), or { name, measure }',
      )
    if (idsOf(model.signature) === undefined) {
      const prepared = asTraceable(model, study).prepare(prompt)
      const inputs = Object.fromEntries([...prepared].map(([name, data]) => [name, Tensor.of(data)]))
      return new Subject(studied, inputs, undefined, options, tracing)
    }
    const { ids, alone } = await studied.prompts(prompt)
    if (ids.length !== 1)
      throw studied.error(`there are ${ids.length} prompts.`, 'give one prompt; call it again for others')
    return new Subject(studied, alone[0], ids[0], options, tracing)
  }

  private constructor(
    studied: StudiedModel,
    inputs: Readonly<Record<string, Tensor>>,
    ids: readonly number[] | undefined,
    { metric, at, output }: AttributedOptions,
    tracing: TraceOptions,
  ) {
    this.studied = studied
    this.inputs = inputs
    this.ids = ids
    this.metric = metric
    this.#options = tracing
    this.#output = output
    this.#at = at ?? this.#defaultPlace()
  }

  #defaultPlace(): AttributedPlace {
    if (this.ids) return 'hook_embed'
    const { inputs } = this.studied.model.signature
    const float = inputs.find(({ name, type }) => isFloat(type as never) && Object.hasOwn(this.inputs, name))
    if (float) return float.name
    throw this.studied.error('the model has no float input.', 'name a place: at: model => model.….output')
  }

  /** The place in the current trace. @throws StudyError for a place without a row for each input */
  site(): Site {
    const { model } = this.studied
    const at = this.#at
    if (typeof at === 'function') return { read: () => at(model), write: value => at(model).set('...', value) }
    const of = <T extends object>(holder: T, name: string): Site => ({
      read: () => holder[name as keyof T] as Tensor,
      write(value) {
        Reflect.set(holder, name, value)
      },
    })
    if (model.signature.inputs.some(({ name }) => name === at)) return of(model.inputs, at)
    if (at.startsWith('hook_') || at.includes('.hook_')) return of(model.hooks, at)
    return of(model.module(at), 'output')
  }

  /** Traces the input, repeated in equal rows. */
  trace<R>(rows: number, block: () => R): Promise<R> {
    return this.studied.model.trace(copiesOf(this.inputs, rows), this.#options, block)
  }

  /** The number of rows in one run: 1 if the rows of a batch depend on each other in this model. */
  rows(wanted: number, chosen: number | undefined): Promise<number> {
    const positions = this.ids?.length ?? Math.max(1, ...Object.values(this.inputs).map(({ size }) => size / 64))
    return rowsAtOnce(this.studied, this.inputs, positions, wanted, chosen)
  }

  /** The metric of every row, `[rows]`, in the current trace. @throws StudyError */
  measured(): Tensor {
    const { studied, metric } = this
    const context: MetricContext = {
      ids: this.ids ?? [],
      prompt: 0,
      get clean(): Tensor {
        throw studied.error(`the metric ${metric.name} compares with a clean run.`, 'use a metric of one run')
      },
      idOf: answer => studied.answer(answer),
    }
    const value = metric.measure(studied.output(this.#output).to('float32'), context)
    if (value.rank === 1) return value
    throw studied.error(
      `the metric ${metric.name} gives dims [${value.dims.join(', ')}], and must give one number for each row.`,
      'return a tensor of dims [rows], such as score(3) or logits.select(1, -1).select(-1, id)',
    )
  }
}
