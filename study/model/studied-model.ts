import { StudyError } from '../../runtime/errors/study.ts'
import { ArgumentError } from '../../runtime/errors/tensor.ts'
import { Application, type Tap, Value } from '../../runtime/graph/expression.ts'
import { idsOf, logitsOf } from '../../runtime/language-inputs/ids-and-logits.ts'
import type { Inputs } from '../../runtime/model/loaded/inputs.ts'
import type { Model } from '../../runtime/model/model.ts'
import { handleOf, type ModuleHandle } from '../../runtime/model/modules/module.ts'
import { type FoundLens, findLens } from '../../runtime/names/lens-path.ts'
import { newHandle, stateOf, Tensor } from '../../runtime/tensor/tensor.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'

/** A token id as text: a list by id, such as a vocabulary, or a function. */
export type Vocabulary = readonly string[] | ((id: number) => string)

/** A language model as studies see it: a residual stream that layers write into, and a head that makes logits of it. */
export class StudiedModel {
  readonly model: Model
  readonly #study: string
  readonly #handle: ModuleHandle
  readonly #vocabulary: Vocabulary | undefined

  /** @throws TraceArgumentsError for what is no model; StudyError for a model without ids and logits */
  constructor(study: string, model: Model, vocabulary: Vocabulary | undefined) {
    asTraceable(model, study)
    this.model = model
    this.#study = study
    this.#handle = handleOf(model)!
    this.#vocabulary = vocabulary
  }

  /** The error of this study. */
  error(message: string, fix: string): StudyError {
    return new StudyError(this.#study, message, fix)
  }

  /** The prompts as the model gets them, with masks and positions: rows of one length, padded where they were not. @throws InputError */
  prompts(inputs: Inputs): Prompts {
    const prepared = asTraceable(this.model, this.#study).prepare(inputs)
    const name = idsOf(this.model.signature)
    const ids = name === undefined ? undefined : prepared.get(name)
    if (ids?.dims.length !== 2)
      throw this.error(
        'the model takes no token ids, [batch, tokens], by the name of input_ids.',
        'use a language model; for others, write the study as a trace',
      )
    const mask = prepared.get('attention_mask')
    const rows = Tensor.of(ids).tolist() as (number | bigint)[][]
    const real = mask?.dims.length === 2 ? (Tensor.of(mask).tolist() as (number | bigint)[][]) : undefined
    return {
      inputs: Object.fromEntries([...prepared].map(([key, data]) => [key, Tensor.of(data)])),
      ids: rows.map(row => row.map(Number)),
      mask: rows.map((row, r) =>
        row.map((_, p) => (real ? Number(real[r][real[r].length - row.length + p]) !== 0 : true)),
      ),
    }
  }

  /** A token as text; without a vocabulary its id. */
  token(id: number): string {
    const vocabulary = this.#vocabulary
    if (vocabulary === undefined) return String(id)
    return (typeof vocabulary === 'function' ? vocabulary(id) : vocabulary[id]) ?? String(id)
  }

  /** The way from the layers to the logits, in the current trace. @throws StudyError */
  lens(): FoundLens {
    const { taps } = this.#handle.binding
    const found = findLens(taps, logitsOf(this.model.signature, taps.tree.graph, idsOf(this.model.signature)))
    if ('why' in found)
      throw this.error(found.why, 'look at the modules, console.log(String(model)), and write the study as a trace')
    return found
  }

  /** The residual stream before the first layer. Inside a trace. */
  embedded(): Tensor {
    const [first] = this.lens().layers
    return this.read(this.#handle.binding.taps.inputTap(first))
  }

  read(tap: Tap): Tensor {
    return this.#handle.binding.read(tap)
  }

  /** The logits that the model would make if `state` left its last layer. Inside a trace. */
  logitsOf(state: Tensor, { leaving, logits }: FoundLens = this.lens()): Tensor {
    const tracer = this.#handle.binding.tracer(this.#study)
    const shape = tracer.shapeOf(logits.tensor)
    const application = new Application('', leaving.at(-1)!, logits, stateOf(state).value, tracer, tracer.mark())
    return newHandle(new Value(application, 0, shape?.type ?? state.type, shape?.dims), tracer)
  }

  /** A token id that the user gave as an answer. @throws ArgumentError */
  answer(given: number, vocabulary: number): number {
    if (!Number.isSafeInteger(given) || given < 0 || given >= vocabulary)
      throw new ArgumentError(
        `${this.#study}: the answer ${given} is no token id.`,
        undefined,
        `give a whole number below ${vocabulary}, the length of the vocabulary`,
      )
    return given
  }
}

/** Prompts as a model gets them. */
export interface Prompts {
  /** All inputs of the model, by name. */
  readonly inputs: Readonly<Record<string, Tensor>>
  /** Token ids, one row for each prompt. */
  readonly ids: readonly (readonly number[])[]
  /** Whether a place holds a token of the prompt, and not padding. */
  readonly mask: readonly (readonly boolean[])[]
}
