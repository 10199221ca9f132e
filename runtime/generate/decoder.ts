import { GenerateError } from '../errors/generate.ts'
import type { DeclaredInput } from '../errors/input.ts'
import { listed } from '../errors/listed.ts'
import { batchAxisOf, emptyCache, growingAxis } from '../language-inputs/empty-cache.ts'
import type { PaddingSide } from '../language-inputs/fill.ts'
import type { TableLimit } from '../language-inputs/limits.ts'
import { PAST } from '../language-inputs/roles.ts'
import type { Signature } from '../model/loaded/loaded-model.ts'
import type { HeldType } from '../tensor/dtypes/dtype.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Keys or values of earlier tokens: an output of each step, and an input of the next one. */
export interface KeyValueCache {
  readonly input: string
  /** Undefined if the model only has the input, as for keys and values of an encoder's states. */
  readonly output: string | undefined
  /** The axis that grows with the tokens; undefined if none grows, as for keys and values of an encoder's states. */
  readonly axis: number | undefined
  /** The axis with a row for each sequence. */
  readonly batchAxis: number
}

const MASK = 'attention_mask'
const POSITIONS = 'position_ids'
/** The input by which a merged decoder chooses its branch. */
const CACHE_SWITCH = 'use_cache_branch'
/** Matches names of keys and values that are computed once, from the encoder's states: `past_key_values.0.encoder.key`. */
const OF_ENCODER = /[._]encoder[._]/

/** What `Decoder` needs to know about a model. */
export interface DecoderModel {
  readonly signature: Signature
  readonly paddingSide: PaddingSide
  readonly limits: readonly TableLimit[]
}

/** The roles of a model's inputs and outputs, which are found by the names that exporters give them. */
export class Decoder {
  readonly ids: string
  readonly logits: string
  readonly mask: string | undefined
  readonly positions: string | undefined
  readonly cacheSwitch: string | undefined
  /** The model's caches. If there are none, every step runs on all tokens. */
  readonly caches: readonly KeyValueCache[]
  /** The side on which short prompts are padded. */
  readonly paddingSide: PaddingSide
  /** The model's tables that inputs index, with their numbers of rows. */
  readonly limits: readonly TableLimit[]
  readonly #inputs: readonly DeclaredInput[]

  /** @throws GenerateError if the model has no input for ids, or no output for logits, that onnsight can find */
  constructor({ signature, paddingSide, limits }: DecoderModel, logits?: string) {
    this.paddingSide = paddingSide
    this.limits = limits
    this.#inputs = signature.inputs
    const has = (name: string): string | undefined =>
      signature.inputs.some(input => input.name === name) ? name : undefined
    // If the same model contains the encoder, input_ids and attention_mask are the encoder's inputs.
    const ownIds = has('decoder_input_ids')
    this.mask = has(ownIds ? `decoder_${MASK}` : MASK)
    this.positions = has(ownIds ? `decoder_${POSITIONS}` : POSITIONS)
    this.cacheSwitch = has(CACHE_SWITCH)
    this.ids = ownIds ?? has('input_ids') ?? onlyIds(signature)
    this.caches = signature.inputs.filter(({ name }) => PAST.test(name)).map(input => cacheOf(input, signature))
    this.logits = logits ?? logitsOf(signature)
    if (!signature.outputs.some(output => output.name === this.logits))
      throw new GenerateError(
        `The model has no output ${this.logits}; its outputs are ${namesOf(signature.outputs)}.`,
        'name the one that holds the logits: { logits: … }',
      )
  }

  /**
   * The cache before the first token.
   * @param isMade whether the branch that the step runs computes keys and values of the encoder's states
   * @throws GenerateError if the dims of the cache are not known, or the caller must pass its values
   */
  empty({ input: name, axis }: KeyValueCache, rows: number, isMade: boolean): Tensor {
    if (axis === undefined && !isMade)
      throw new GenerateError(
        `The input ${name} takes keys or values of the encoder’s states, but generate() was not given any.`,
        `pass what the decoder without a cache outputs: { '${name}': … }, its output ${name.replace(PAST, 'present')}`,
      )
    const input = this.#inputs.find(other => other.name === name)!
    const empty = emptyCache(input, rows)
    if (empty) return empty
    throw new GenerateError(
      `The input ${name} has more than one open dim: ${input.dims!.join(' × ')}.`,
      `pass what the cache is before the first token: { ${name}: zeros([…]) }`,
    )
  }

  /** The axis along which an input has a row for each sequence; undefined for an input, other than a cache, whose first dim is not open. */
  batchAxis(name: string): number | undefined {
    const cache = this.caches.find(({ input }) => input === name)
    if (cache) return cache.batchAxis
    const dims = this.#inputs.find(input => input.name === name)?.dims
    return dims && dims.length > 0 && typeof dims[0] !== 'number' ? 0 : undefined
  }

  /** All inputs that the model declares. */
  get inputNames(): readonly string[] {
    return this.#inputs.map(({ name }) => name)
  }

  /** The element type of an input; undefined if the model has no such input. */
  typeOf(name: string): HeldType | undefined {
    return this.#inputs.find(input => input.name === name)?.type as HeldType | undefined
  }

  /** The inputs that grow from step to step, each with the axis along which it grows. */
  get growing(): ReadonlyMap<string, number> {
    const growing = new Map<string, number>()
    for (const { input, axis } of this.caches) if (axis !== undefined) growing.set(input, axis)
    if (this.mask) growing.set(this.mask, 1)
    if (this.caches.length > 0) return growing
    growing.set(this.ids, 1)
    if (this.positions) growing.set(this.positions, 1)
    return growing
  }
}

/** The only input that can be token ids, in a model that has other names for them. */
function onlyIds(signature: Signature): string {
  const candidates = signature.inputs.filter(
    ({ name, type, dims }) =>
      /^u?int(32|64)$/.test(type) && (dims === undefined || dims.length === 2) && name !== MASK && name !== POSITIONS,
  )
  if (candidates.length === 1) return candidates[0].name
  throw new GenerateError(
    `The model has no input for token ids that onnsight knows; its inputs are ${namesOf(signature.inputs)}.`,
    'generate() needs a language model with an input named input_ids; run other models with trace()',
  )
}

function cacheOf({ name, dims }: DeclaredInput, { outputs }: Signature): KeyValueCache {
  const rest = name.replace(PAST, '')
  const output = outputs.find(
    other => other.name.startsWith('present') && other.name.replace(/^present(_key_values?|_kv)?(?=[._])/, '') === rest,
  )
  const batchAxis = dims ? batchAxisOf(dims) : 0
  if (OF_ENCODER.test(rest)) return { input: name, output: output?.name, axis: undefined, batchAxis }
  if (!output)
    throw new GenerateError(
      `No output of the model belongs to its cache input ${name}; its outputs are ${namesOf(outputs)}.`,
      `export the model so that its cache comes out as present${rest}`,
    )
  const axis = growingAxis(dims)
  if (axis === undefined)
    throw new GenerateError(
      `The input ${name} has no open dim, so its cache can't grow.`,
      'export the model with a dynamic axis for the tokens that are in its cache',
    )
  return { input: name, output: output.name, axis, batchAxis }
}

function logitsOf({ outputs }: Signature): string {
  if (outputs.some(({ name }) => name === 'logits')) return 'logits'
  const candidates = outputs.filter(
    ({ name, type, dims }) => /float/.test(type) && !name.startsWith('present') && (!dims || dims.length === 3),
  )
  if (candidates.length === 1) return candidates[0].name
  throw new GenerateError(
    `The model has no output for logits that onnsight knows; its outputs are ${namesOf(outputs)}.`,
    'name the one that does: { logits: … }',
  )
}

const namesOf = (values: readonly { readonly name: string }[]): string => listed(values.map(({ name }) => name))
