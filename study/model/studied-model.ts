import { NoHeadsError } from '../../runtime/errors/names.ts'
import { StudyError } from '../../runtime/errors/study.ts'
import { ArgumentError } from '../../runtime/errors/tensor.ts'
import type { Tap } from '../../runtime/graph/expression.ts'
import { idsOf, logitsOf } from '../../runtime/language-inputs/ids-and-logits.ts'
import type { Language } from '../../runtime/language-inputs/language.ts'
import { isChat } from '../../runtime/language-inputs/prompt.ts'
import type { Inputs } from '../../runtime/model/loaded/inputs.ts'
import type { LoadedModel } from '../../runtime/model/loaded/loaded-model.ts'
import type { Model } from '../../runtime/model/model.ts'
import { selfAttentionIn } from '../../runtime/model/modules/heads/attention-of.ts'
import { handleOf, type Module, type ModuleHandle } from '../../runtime/model/modules/module.ts'
import { type FoundLens, findLens } from '../../runtime/names/lens-path.ts'
import { Tensor } from '../../runtime/tensor/tensor.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'
import { applyHead, applyHeadToEach } from './apply-head.ts'
import { rowOf } from './prompt-rows.ts'

/** The texts of tokens by id: a list, such as a vocabulary, or a function. */
export type Vocabulary = readonly string[] | ((id: number) => string)

/** A language model as studies see it: layers that write into a residual stream, and a head that computes logits from the stream. */
export class StudiedModel {
  readonly model: Model
  /** The study's name. */
  readonly study: string
  readonly #handle: ModuleHandle
  readonly #vocabulary: Vocabulary | undefined
  readonly #language: Language | undefined
  /** The results of `lens()`, by the branches that a trace's inputs chose. Studies ask for them in every trace, for each place that they read. */
  readonly #lenses = new WeakMap<object, ReturnType<typeof findLens>>()

  /** @throws TraceArgumentsError if `model` is no model */
  constructor(study: string, model: Model, vocabulary: Vocabulary | undefined) {
    asTraceable(model, study)
    this.model = model
    this.study = study
    this.#handle = handleOf(model)!
    this.#vocabulary = vocabulary
    this.#language = (asTraceable(model, study).identity as LoadedModel).language
  }

  /** The model's module of this path, in the current trace's branches. */
  module(path: string): Module {
    return this.model.module(path)
  }

  /** The module in a layer whose heads studies read: its self-attention, if it has a cross-attention too; otherwise the layer itself. */
  withHeads(layer: string): Module {
    const { binding, scope } = handleOf(this.module(layer))!
    return this.module(selfAttentionIn(binding, scope).path)
  }

  /** An error that names this study. */
  error(message: string, fix: string): StudyError {
    return new StudyError(this.study, message, fix)
  }

  /** The prompts for runs one by one. Each is prepared by itself, so they may have different lengths in any model. @throws InputError */
  async prompts(inputs: Inputs): Promise<Prompts> {
    const rows = separateRows(inputs, idsOf(this.model.signature))
    if (rows.length > 1) {
      const each = await Promise.all(rows.map(row => this.batch(row)))
      return {
        ids: each.flatMap(({ ids }) => ids),
        mask: each.flatMap(({ mask }) => mask),
        alone: each.map(one => one.inputs),
      }
    }
    const { inputs: prepared, ids, mask } = await this.batch(inputs)
    return { ids, mask, alone: ids.map((_, row) => rowOf(prepared, row, ids.length)) }
  }

  /** The prompts for a run as one batch, with masks and positions. Rows of different lengths are padded to one length. @throws InputError */
  async batch(inputs: Inputs): Promise<PromptBatch> {
    const model = asTraceable(this.model, this.study)
    const prepared = model.prepare((await model.complete?.(inputs)) ?? inputs)
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

  /** A token as text; its id if neither a tokenizer nor a vocabulary is known. */
  token(id: number): string {
    const vocabulary = this.#vocabulary
    if (vocabulary === undefined) return this.#language?.textOf(id) ?? String(id)
    return (typeof vocabulary === 'function' ? vocabulary(id) : vocabulary[id]) ?? String(id)
  }

  /** The text of some tokens, without special ones; without a tokenizer, the texts of all tokens in a row. */
  text(ids: readonly number[]): string {
    return this.#language && this.#vocabulary === undefined
      ? this.#language.decode(ids, true)
      : ids.map(id => this.token(id)).join('')
  }

  /** The layers, and the modules from the last layer to the logits, in the current trace. @throws StudyError */
  lens(): FoundLens {
    const { taps } = this.#handle.binding
    let found = this.#lenses.get(taps)
    if (!found) {
      found = findLens(taps, logitsOf(this.model.signature, taps.tree.graph, idsOf(this.model.signature)))
      this.#lenses.set(taps, found)
    }
    if ('why' in found)
      throw this.error(found.why, 'look at the modules, console.log(String(model)), and write the study as a trace')
    return found
  }

  /** The number of layers, and of heads in each layer, by a scan, without a run. @throws StudyError */
  async sizes(
    prompts: Pick<Prompts, 'alone'>,
  ): Promise<{ readonly layers: number; readonly heads: readonly number[] }> {
    return this.model.scan(prompts.alone[0], () => {
      const { layers } = this.lens()
      return { layers: layers.length, heads: layers.map(({ path }) => headCount(this.withHeads(path))) }
    })
  }

  /** The layers that the user chose, or all. @throws StudyError */
  layersOf(chosen: readonly number[] | undefined, count: number): readonly number[] {
    const layers = chosen ?? Array.from({ length: count }, (_, layer) => layer)
    const wrong = layers.find(layer => !Number.isSafeInteger(layer) || layer < 0 || layer >= count)
    if (wrong !== undefined) throw this.error(`there is no layer ${wrong}.`, `give numbers from 0 to ${count - 1}`)
    return layers
  }

  /** The residual stream before the first layer. It must be read inside a trace. */
  embedded(): Tensor {
    const [first] = this.lens().layers
    return this.read(this.#handle.binding.taps.inputTap(first))
  }

  read(tap: Tap): Tensor {
    return this.#handle.binding.read(tap)
  }

  /** The output of this name; without one, the logits of a language model, or the first float output of another model. @throws StudyError */
  output(name?: string): Tensor {
    const { taps } = this.#handle.binding
    const { outputs, inputs } = this.model.signature
    if (name !== undefined && !outputs.some(output => output.name === name))
      throw this.error(
        `the model has no output ${JSON.stringify(name)}.`,
        `it has ${outputs.map(output => output.name).join(', ')}`,
      )
    const logits = logitsOf({ inputs, outputs }, taps.tree.graph, idsOf({ inputs, outputs }))
    const chosen = name ?? logits ?? outputs.find(({ type }) => type.includes('float'))?.name
    if (chosen !== undefined) return this.read(taps.tensorTap(chosen))
    throw this.error('the model has no float output.', 'give the metric another model')
  }

  /** The logits that the model would compute if `state` were the output of its last layer. It must be called inside a trace. */
  logitsOf(state: Tensor, lens: FoundLens = this.lens()): Tensor {
    return applyHead(this.#handle.binding.tracer(this.study), lens, state)
  }

  /** The same for several states of equal dims, `[prompt, token, width]`. */
  logitsOfEach(states: readonly Tensor[]): Tensor[] {
    return applyHeadToEach(this.#handle.binding.tracer(this.study), this.lens(), states)
  }

  /** The id of an answer, which is an id, or a text of one token. @throws ArgumentError */
  answer(idOrText: Answer, vocabulary?: number): number {
    const id = typeof idOrText === 'number' ? idOrText : this.#idOf(idOrText)
    if (!Number.isSafeInteger(id) || id < 0 || id >= (vocabulary ?? Number.POSITIVE_INFINITY))
      throw new ArgumentError(
        `${this.study}: the answer ${id} is no token id.`,
        undefined,
        `give a whole number below ${vocabulary ?? 'the length of the vocabulary'}`,
      )
    return id
  }

  #idOf(text: string): number {
    const listed = Array.isArray(this.#vocabulary) ? this.#vocabulary.indexOf(text) : -1
    if (listed >= 0) return listed
    const ids = this.#language?.tokenizer.encode(text, { add_special_tokens: false }).ids
    if (ids?.length === 1) return Number(ids[0])
    throw new ArgumentError(
      ids
        ? `${this.study}: the answer ${JSON.stringify(text)} is ${ids.length} tokens: ${Array.from(ids, id => JSON.stringify(this.token(Number(id)))).join(', ')}.`
        : `${this.study}: the answer ${JSON.stringify(text)} is a text, and the tokens of this model are not known.`,
      undefined,
      ids
        ? 'give one token; most words begin with a space: " Paris"'
        : "give its id, or pass the tokens' texts as `vocabulary`; models of LanguageModel.load know them",
    )
  }
}

/** The number of heads in a layer; 0 if it has no attention whose heads are known. */
function headCount(layer: Module): number {
  try {
    return layer.heads.length
  } catch (error) {
    if (error instanceof NoHeadsError) return 0
    throw error
  }
}

/** A token that is an answer: its id, or its text. */
export type Answer = number | string

/** Prompts that run one by one. */
export interface Prompts {
  /** The token ids of each prompt. */
  readonly ids: readonly (readonly number[])[]
  /** For each position of each prompt: whether it is a token, and not padding. */
  readonly mask: readonly (readonly boolean[])[]
  /** For each prompt: all inputs of the model, with one row. */
  readonly alone: readonly Readonly<Record<string, Tensor>>[]
}

/** Prompts that run together. */
export interface PromptBatch extends Omit<Prompts, 'alone'> {
  /** All inputs of the model, by name. */
  readonly inputs: Readonly<Record<string, Tensor>>
}

/** Splits a list of prompts into single prompts. Other inputs stay as they are. */
function separateRows(inputs: Inputs, name: string | undefined): readonly Inputs[] {
  const isList = Array.isArray(inputs) && !isChat(inputs)
  if (isList) {
    const list = inputs as readonly unknown[]
    const isRow = (row: unknown): boolean => typeof row === 'string' || isChat(row) || isIds(row)
    return list.every(isRow) ? list.map(row => (isIds(row) ? [row] : row) as Inputs) : [inputs]
  }
  if (name === undefined || typeof inputs !== 'object' || inputs === null || inputs instanceof Tensor) return [inputs]
  const rows = (inputs as Readonly<Record<string, unknown>>)[name]
  const isAlone = Object.keys(inputs).length === 1 && Array.isArray(rows) && rows.every(isIds)
  return isAlone ? (rows as number[][]).map(row => ({ [name]: [row] })) : [inputs]
}

const isIds = (row: unknown): row is number[] => Array.isArray(row) && row.every(id => typeof id === 'number')
