import type {
  BlockResult,
  Cache,
  CacheOptions,
  EditOptions,
  GenerateOptions,
  Generating,
  Inputs,
  Model,
  ModelMembers,
  ModelShapes,
  ModuleBase,
  Settled,
  SkipValue,
  Slice,
  SliceValue,
  Steps,
  Template,
  Tensor,
  TextOf,
  TraceOptions,
} from './dist/runtime/api.js'

/**
 * Runs the model on `inputs`; inside the block its values can be read and written. The block's result comes back with its tensors
 * computed. Expanded at build time. Without inputs: of a model that takes none, or with invokes in the block that bring them. If the
 * block or the run throws, outer variables are as they were.
 * @throws InputError, ShapeError and the other errors of docs/errors.md, with the line of the block
 * @example
 * const logits = await trace(model, { input_ids: [[18, 47]] }, () => {
 *   model.transformer.h[2].mlp.output = 0
 *   return model.lm_head.output
 * })
 */
export function trace<R extends BlockResult, M extends ModelMembers = Model>(
  model: M,
  block: (model: M) => R | Promise<R>,
): Promise<Settled<R>>
export function trace<R, M extends ModelMembers = Model>(
  model: M,
  inputs: Inputs,
  block: (model: M) => R | Promise<R>,
): Promise<R>
export function trace<R, M extends ModelMembers = Model>(
  model: M,
  inputs: Inputs,
  options: TraceOptions,
  block: (model: M) => R | Promise<R>,
): Promise<R>

export function trace<R extends BlockResult, M extends ModelMembers = Model>(
  model: M,
  inputs: null,
  options: TraceOptions,
  block: (model: M) => R | Promise<R>,
): Promise<Settled<R>>

/**
 * The same with a block in the template language, docs/template.md: its saved values are the result, by name.
 * @example
 * const { h5 } = await trace(model, inputs)`save h5 = transformer.h[5].output`
 */
export function trace(model: ModelMembers, inputs?: Inputs, options?: TraceOptions): TemplateTrace

/** Takes the template. */
export type TemplateTrace = (strings: TemplateStringsArray, ...values: unknown[]) => Promise<Record<string, Tensor>>

/**
 * Dims and dtypes of every module and value, for inputs of these dims: nothing is run, and no weight is read. With a block: what it
 * returns, whose tensors have dims and dtypes, and no values.
 */
export function scan(model: ModelMembers, inputs: Inputs): Promise<ModelShapes> & TemplateTrace
export function scan<R extends BlockResult, M extends ModelMembers = Model>(
  model: M,
  block: (model: M) => R | Promise<R>,
): Promise<Settled<R>>
export function scan<R, M extends ModelMembers = Model>(
  model: M,
  inputs: Inputs,
  block: (model: M) => R | Promise<R>,
): Promise<R>
export function scan<R, M extends ModelMembers = Model>(
  model: M,
  inputs: Inputs,
  options: TraceOptions,
  block: (model: M) => R | Promise<R>,
): Promise<R>

/**
 * Lets a language model go on from prompts. Each step is a trace, in which the block runs anew; `step` counts from 0, the prompt's.
 * Gives the ids, and what the block gave in each step.
 */
export function generate<I extends Inputs, N extends number | undefined = undefined>(
  model: ModelMembers,
  inputs: I,
  options: GenerateOptions & { readonly numSequences?: N },
): Generating<undefined, TextOf<I, N>> & TemplateGenerate<TextOf<I, N>>
export function generate<
  R,
  M extends ModelMembers = Model,
  I extends Inputs = Inputs,
  N extends number | undefined = undefined,
>(
  model: M,
  inputs: I,
  options: GenerateOptions & { readonly numSequences?: N },
  block: (model: M, step: number) => R | Promise<R>,
): Generating<R, TextOf<I, N>>

/** The same from prompts that are given to invokes in the block: each has its own block, and sees its own rows in every step. */
export function generate<R extends BlockResult, M extends ModelMembers = Model>(
  model: M,
  inputs: null,
  options: GenerateOptions,
  block: (model: M, step: number) => R | Promise<R>,
): Generating<Settled<R>, readonly string[]>

/** Takes the template. */
export type TemplateGenerate<T = string | readonly string[]> = (
  strings: TemplateStringsArray,
  ...values: unknown[]
) => Generating<Record<string, Tensor>, T>

/**
 * In a block of generate(): does `body` in the steps that are chosen, and gives what it gave in each of them, in their order.
 * `iter([0, 2], () => model.lm_head.output)`. A step that is named and never comes is an error at the end.
 * @throws StepError
 */
export function iter<R>(steps: Steps, body: () => Promise<R>): Promise<R[]>
export function iter<R>(steps: Steps, body: () => R): R[]

/** In a block of generate(): `iter` of all steps. */
export function all<R>(body: () => Promise<R>): Promise<R[]>
export function all<R>(body: () => R): R[]

/** In a block of generate(): ends this step and begins the next, whose number it gives. In a block no await is needed. */
export function next(): Promise<number>

/**
 * A model with a standing edit: the block is recorded before that of each trace of it. The original is as it was; with
 * `{ inplace: true }` the model itself is edited. model.edits lists them, model.clearEdits() takes them away.
 */
export function edit<M extends ModelMembers = Model>(model: M, block: (model: M) => void | Promise<void>): M
export function edit<M extends ModelMembers = Model>(
  model: M,
  options: EditOptions,
  block: (model: M) => void | Promise<void>,
): M
/** The same with a block in the template language. */
export function edit<M extends ModelMembers = Model>(
  model: M,
  options?: EditOptions,
): (strings: TemplateStringsArray, ...values: unknown[]) => M

/**
 * Several traces as one: values flow between them without save(), and only what is saved or returned outlives the session.
 * @example
 * await session(model, async () => {
 *   let h
 *   await trace(model, a, () => { h = model.transformer.h[1].output })
 *   return trace(model, b, () => { model.transformer.h[1].output = h })
 * })
 */
export function session<R, M extends ModelMembers = Model>(model: M, block: (model: M) => R | Promise<R>): Promise<R>

/**
 * One prompt of a batch, in a trace without inputs of its own. Each block sees its own rows, as if it ran alone. Without inputs it sees
 * the whole batch.
 * @example
 * await trace(model, () => {
 *   invoke(a, () => { … })
 *   invoke(b, () => { … })
 * })
 */
export function invoke<R>(block: () => R | Promise<R>): Promise<R>
export function invoke<R>(inputs: Inputs, block: () => R | Promise<R>): Promise<R>
export function invoke(inputs: Inputs, block: Template): Promise<Record<string, Tensor>>
/** The same with a block in the template language: its saved values, by name. */
export function invoke(inputs: Inputs): TemplateTrace

/** Accepted so that ports from nnsight run: what an invoke needs of another orders them already. */
export function barrier(count?: number): void

/**
 * Keeps the activations of all modules, or of some, as they are at the trace's end: after all writes.
 * @throws CacheTooLargeError before anything runs
 */
export function cache(options?: CacheOptions): Cache

/**
 * Leaves a module out: `value` stands for its output, without one its input does. What lies inside can't be read or written from
 * here on.
 */
export function skip(module: ModuleBase, value?: SkipValue): void

/** Shows values as they are here: the model runs as far as they need. In a block no await is needed. */
export function print(...values: unknown[]): Promise<void>

/** Runs the model as far as the condition needs, and fails if it, or any element of it, does not hold. In a block no await is needed. */
export function assert(condition: unknown, message?: string): Promise<void>

/** Marks a handle (or all in an array or object) so that its value is there after the trace. */
export function save<T>(value: T): T

/** Ends the block here. What was recorded up to now runs. */
export function stop(): never

/** A slice in NumPy's syntax: ``s`:, ${i}:, [0, 2], ..., None` ``. Checked at build time. */
export function s(strings: TemplateStringsArray, ...values: SliceValue[]): Slice
