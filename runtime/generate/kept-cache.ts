import { GenerateError } from '../errors/generate.ts'
import { padPrompts, type Rows } from '../language-inputs/prompts.ts'
import { byteLength } from '../tensor/dtypes/data.ts'
import { stateOf, type Tensor } from '../tensor/tensor.ts'
import type { Decoder } from './decoder.ts'
import { pickRows } from './pick-rows.ts'
import { type Prompts, realTokens } from './prompts.ts'

/** Keys and values of tokens that a model was given, and which tokens those were. */
export interface Kept {
  /** The loaded model that made them: views of it can use them too. */
  readonly model: object
  /** The token of each column of the caches, and whether it counts: 0 for padding. */
  readonly columns: Rows
  readonly mask: Rows
  readonly caches: Readonly<Record<string, Tensor>>
}

let contentOf: (cache: GenerationCache) => Kept

/**
 * The keys and values that a generation has computed for the tokens of its prompts and texts. A later generation that gets them as its
 * option `cache` does not compute the tokens again that both begin with. The cache never changes, so several generations can go on from it.
 */
export class GenerationCache {
  readonly #kept: Kept
  readonly #inputs: (prompt: unknown, cache: GenerationCache) => Record<string, unknown>

  constructor(kept: Kept, inputs: (prompt: unknown, cache: GenerationCache) => Record<string, unknown>) {
    this.#kept = kept
    this.#inputs = inputs
  }

  static {
    contentOf = cache => cache.#kept
  }

  /** How many tokens of its longest row the cache holds. */
  get tokens(): number {
    return Math.max(...this.#kept.mask.map(row => row.reduce((sum, one) => sum + one, 0)))
  }

  /** How many bytes of memory the cache takes. */
  get bytes(): number {
    return Object.values(this.#kept.caches).reduce((sum, tensor) => sum + byteLength(stateOf(tensor).data()), 0)
  }

  /**
   * The inputs for a trace on a whole prompt. The model only gets those tokens of it that are not in the cache.
   * @example
   * await trace(model, cache.inputs('ROMEO: What light'), () => model.lm_head.output)
   */
  inputs(prompt: unknown): Record<string, Tensor> {
    return this.#inputs(prompt, this) as Record<string, Tensor>
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `GenerationCache { tokens: ${this.tokens}, bytes: ${this.bytes} }`
  }
}

/**
 * The prompts without those of their first tokens that are in the cache. The cache's keys and values of these become inputs.
 * @throws GenerateError for a cache of another model, or with another number of rows
 */
export function goOnFrom(
  cache: GenerationCache,
  prompts: Prompts,
  { decoder, model, padding }: { decoder: Decoder; model: object; padding: number },
): Prompts {
  if (!(cache instanceof GenerationCache))
    throw new GenerateError('cache is no cache of a generation.', 'pass what an earlier result has as its `cache`')
  const kept = contentOf(cache)
  if (kept.model !== model)
    throw new GenerateError('The cache was made by another model.', 'pass a cache that this model has made')
  const rows = realTokens(prompts)
  const count = kept.columns.length
  if (count !== 1 && count !== rows.length)
    throw new GenerateError(
      `The cache has ${count} rows, and there are ${rows.length} prompts.`,
      'give as many prompts, or make the cache from one prompt: it serves any number',
    )
  const from = rows.map((_, i) => (count === 1 ? 0 : i))
  const canMask = decoder.mask !== undefined && decoder.positions !== undefined
  const own = from.map(row => ({ columns: kept.columns[row], mask: kept.mask[row] }))
  const used = rows.map((row, i) => commonPrefix(row, own[i]))
  const shared = canMask ? used : alike(used, own)
  const width = Math.max(...shared.map(({ columns }) => columns))
  const rest = rows.map((row, i) => row.slice(shared[i].tokens))
  if (width === 0 || (!canMask && rest.some(({ length }) => length !== rest[0].length))) return prompts
  const { ids, mask } = padPrompts(rest, 'left', padding)
  const pastMask = own.map((row, i) => row.mask.slice(0, width).map((one, at) => (at < shared[i].columns ? one : 0)))
  const named: Record<string, unknown> = { ...prompts.named, [decoder.ids]: ids }
  if (decoder.mask) delete named[decoder.mask]
  if (decoder.positions) delete named[decoder.positions]
  for (const { input, batchAxis, axis } of decoder.caches) {
    const columns = Array.from({ length: width }, (_, at) => at)
    const cropped = kept.caches[input]
    const short = cropped.dims[axis!] === width ? cropped : pickRows(cropped, axis!, columns)
    named[input] = count === rows.length ? short : pickRows(short, batchAxis, from)
  }
  return {
    named,
    ids,
    mask: mask.map((row, i) => [...pastMask[i], ...row]),
    whole: { shown: prompts.ids, rows, past: own.map(row => row.columns.slice(0, width)) },
  }
}

interface Used {
  /** The number of tokens, without padding, and the number of columns up to the last of them. */
  readonly tokens: number
  readonly columns: number
}

interface KeptRow {
  readonly columns: readonly number[]
  readonly mask: readonly number[]
}

/** How much of a row of the cache a prompt begins with. At least one token of the prompt is left for the model. */
function commonPrefix(prompt: readonly number[], { columns, mask }: KeptRow): Used {
  let used: Used = { tokens: 0, columns: 0 }
  for (const [at, token] of columns.entries()) {
    if (mask[at] === 0) continue
    if (used.tokens + 1 >= prompt.length || prompt[used.tokens] !== token) break
    used = { tokens: used.tokens + 1, columns: at + 1 }
  }
  return used
}

/** Takes the same columns of each row, and none if some are padding. This is for models that can't be told which columns count. */
function alike(used: readonly Used[], own: readonly KeptRow[]): Used[] {
  const least = Math.min(...used.map(({ tokens }) => tokens))
  const isWhole = own.every(({ mask }) => mask.slice(0, least).every(one => one === 1))
  const tokens = isWhole ? least : 0
  return used.map(() => ({ tokens, columns: tokens }))
}
