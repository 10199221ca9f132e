import { GenerateError } from '../errors/generate.ts'
import type { DeclaredInput } from '../errors/input.ts'
import type { Signature } from '../model/loaded.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { emptyCache, growingAxis } from '../tracing/empty-cache.ts'

/** Keys or values of earlier tokens: what a step gives, and the next one takes. */
export interface KeyValueCache {
  readonly input: string
  readonly output: string
  /** The axis that grows with the tokens. */
  readonly axis: number
}

const MASK = 'attention_mask'
const POSITIONS = 'position_ids'
/** What a merged decoder chooses its branch by. */
const CACHE_SWITCH = 'use_cache_branch'
const PAST = /^past(_key_values?|_kv)?(?=[._])/

/** Which of a model's inputs and outputs are which, by the names that exporters give them. */
export class Decoder {
  readonly ids: string
  readonly logits: string
  readonly mask: string | undefined
  readonly positions: string | undefined
  readonly cacheSwitch: string | undefined
  /** None: every step runs on all tokens. */
  readonly caches: readonly KeyValueCache[]
  readonly #inputs: readonly DeclaredInput[]

  /** @throws GenerateError where there are no ids or logits to be found */
  constructor(signature: Signature, logits?: string) {
    this.#inputs = signature.inputs
    const has = (name: string): string | undefined =>
      signature.inputs.some(input => input.name === name) ? name : undefined
    this.mask = has(MASK)
    this.positions = has(POSITIONS)
    this.cacheSwitch = has(CACHE_SWITCH)
    this.ids = has('input_ids') ?? has('decoder_input_ids') ?? onlyIds(signature)
    this.caches = signature.inputs.filter(({ name }) => PAST.test(name)).map(input => cacheOf(input, signature))
    this.logits = logits ?? logitsOf(signature)
    if (!signature.outputs.some(output => output.name === this.logits))
      throw new GenerateError(
        `The model has no output ${this.logits}; its outputs are ${listed(signature.outputs)}.`,
        'name the one that holds the logits: { logits: … }',
      )
  }

  /** The cache before the first token. @throws GenerateError where its dims are not known */
  empty({ input: name }: KeyValueCache, rows: number): Tensor {
    const input = this.#inputs.find(other => other.name === name)!
    const empty = emptyCache(input, rows)
    if (empty) return empty
    throw new GenerateError(
      `The input ${name} has dims of which more than one is open: ${input.dims!.join(' × ')}.`,
      `pass what the cache is before the first token: { ${name}: zeros([…]) }`,
    )
  }

  /** Which axis of which input grows from step to step. */
  get growing(): ReadonlyMap<string, number> {
    const growing = new Map(this.caches.map(({ input, axis }) => [input, axis]))
    if (this.mask) growing.set(this.mask, 1)
    if (this.caches.length > 0) return growing
    growing.set(this.ids, 1)
    if (this.positions) growing.set(this.positions, 1)
    return growing
  }
}

/** Of a model that calls its ids something else: the only input that can be ids. */
function onlyIds(signature: Signature): string {
  const candidates = signature.inputs.filter(
    ({ name, type, dims }) =>
      /^u?int(32|64)$/.test(type) && (dims === undefined || dims.length === 2) && name !== MASK && name !== POSITIONS,
  )
  if (candidates.length === 1) return candidates[0].name
  throw new GenerateError(
    `The model has no input that is known to hold token ids; its inputs are ${listed(signature.inputs)}.`,
    'generate() needs a language model, with an input input_ids; run any other model by trace()',
  )
}

function cacheOf({ name, dims }: DeclaredInput, { outputs }: Signature): KeyValueCache {
  const rest = name.replace(PAST, '')
  const output = outputs.find(
    other => other.name.startsWith('present') && other.name.replace(/^present(_key_values?|_kv)?(?=[._])/, '') === rest,
  )
  if (!output)
    throw new GenerateError(
      `No output of the model goes on into its input ${name}; its outputs are ${listed(outputs)}.`,
      `export the model so that its cache comes out as present${rest}`,
    )
  const axis = growingAxis(dims)
  if (axis === undefined)
    throw new GenerateError(
      `The input ${name} has no open dim, so its cache can't grow.`,
      'export the model with a dynamic axis for the tokens that are in its cache',
    )
  return { input: name, output: output.name, axis }
}

function logitsOf({ outputs }: Signature): string {
  if (outputs.some(({ name }) => name === 'logits')) return 'logits'
  const candidates = outputs.filter(
    ({ name, type, dims }) => /float/.test(type) && !name.startsWith('present') && (!dims || dims.length === 3),
  )
  if (candidates.length === 1) return candidates[0].name
  throw new GenerateError(
    `The model has no output that is known to hold logits; its outputs are ${listed(outputs)}.`,
    'name the one that does: { logits: … }',
  )
}

const listed = (values: readonly { readonly name: string }[]): string =>
  values.length > 12
    ? `${values
        .slice(0, 12)
        .map(value => value.name)
        .join(', ')} and ${values.length - 12} more`
    : values.map(value => value.name).join(', ')
