import { ArgumentError } from '../../runtime/errors/tensor.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { TraceOptions } from '../../runtime/tracing/tracer.ts'
import type { Metric, MetricContext } from '../metrics.ts'
import { copiesOf } from '../model/prompt-rows.ts'
import type { Prompts, StudiedModel } from '../model/studied-model.ts'

/** An unedited run: its metric, the values that were read in it, and its logits if the metric asks for them. */
export interface CleanRun {
  readonly value: number
  readonly states: readonly Tensor[]
  readonly logits: Tensor | undefined
}

/** Runs prompts one by one and measures them. */
export class Measuring {
  readonly #studied: StudiedModel
  readonly #metric: Metric
  readonly #options: TraceOptions

  /** @throws ArgumentError if `metric` is no metric */
  constructor(studied: StudiedModel, metric: Metric, options: TraceOptions) {
    this.#studied = studied
    this.#metric = metric
    this.#options = options
    if (typeof metric?.measure !== 'function')
      throw new ArgumentError(
        'The metric has no function measure.',
        undefined,
        'give one of logitDifference(…), probability(…), divergence(), loss(), or { name, measure }',
      )
  }

  get name(): string {
    return this.#metric.name
  }

  /** Runs a prompt without a change. @param read returns further values that are read in the trace */
  async clean(prompts: Prompts, prompt: number, read: () => readonly Tensor[]): Promise<CleanRun> {
    let wantsLogits = false
    const { value, ...kept } = await this.trace(prompts, prompt, 1, () => {
      const logits = this.#studied.read(this.#studied.lens().logits).to('float32')
      const cleanLogits = (): Tensor => {
        wantsLogits = true
        return logits
      }
      const value = this.rows(prompts, prompt, cleanLogits)
      return { value, states: [...read()], logits: wantsLogits ? logits : undefined }
    })
    return { ...kept, value: (value.tolist() as number[])[0] }
  }

  /** The metric of a prompt without a change. @param clean the logits of the clean run */
  async value(prompts: Prompts, prompt: number, clean: Tensor | undefined): Promise<number> {
    const value = await this.trace(prompts, prompt, 1, () => this.rows(prompts, prompt, clean))
    return (value.tolist() as number[])[0]
  }

  /** Traces a prompt, repeated in `copies` equal rows. */
  trace<R>(prompts: Prompts, prompt: number, copies: number, block: () => R): Promise<R> {
    return this.#studied.model.trace(copiesOf(prompts.alone[prompt], copies), this.#options, block)
  }

  /** The metric of every row, in the current trace. @throws StudyError if the metric does not give one number for each row */
  rows(prompts: Prompts, prompt: number, clean: Tensor | (() => Tensor) | undefined): Tensor {
    const studied = this.#studied
    const context: MetricContext = {
      ids: prompts.ids[prompt],
      prompt,
      get clean() {
        const logits = typeof clean === 'function' ? clean() : clean
        if (logits) return logits
        throw studied.error(
          'the metric asks for the clean logits in some runs only.',
          'ask for context.clean in every run',
        )
      },
      idOf: answer => studied.answer(answer),
    }
    const value = this.#metric.measure(studied.read(studied.lens().logits).to('float32'), context)
    if (value.rank !== 1)
      throw studied.error(
        `the metric ${this.#metric.name} gives dims [${value.dims.join(', ')}], and must give one number for each row.`,
        'return a tensor of dims [rows]: logits.select(1, -1).select(-1, id)',
      )
    return value
  }
}
