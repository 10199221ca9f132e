import { GenerateError } from '../errors/generate.ts'
import { rand } from '../tensor/creation/random.ts'
import { where } from '../tensor/ops/comparison.ts'
import { stateOf, Tensor } from '../tensor/tensor.ts'
import { checkOption, isAbove0, isCount } from './check-option.ts'

/** How the next token is drawn. Without any of these options, each step takes the likeliest token. */
export interface DrawOptions {
  /** Whether tokens are drawn. @default true if one of the options below is given, or the model's own defaults say so */
  readonly doSample?: boolean
  /** The number that logits are divided by: above 0. @default 1 */
  readonly temperature?: number
  /** Only the k likeliest tokens can be drawn. */
  readonly topK?: number
  /** Only the likeliest tokens, which together have this probability, can be drawn: above 0, at most 1. */
  readonly topP?: number
  /** Only tokens that have at least this share of the likeliest one's probability can be drawn: from 0 to 1. */
  readonly minP?: number
  /** Only the tokens whose surprise is nearest to the expected one, and which together have this probability, can be drawn: above 0, at most 1. */
  readonly typicalP?: number
  /** The seed of the random numbers: the same seed draws the same tokens. @default another one in each call; the result has it */
  readonly seed?: number
}

export const DRAW_OPTIONS = ['doSample', 'temperature', 'topK', 'topP', 'minP', 'typicalP', 'seed'] as const

/** @throws GenerateError for options that make no sense */
export function checkDraw({ doSample, temperature, topK, topP, minP, typicalP, seed }: DrawOptions): void {
  const isShare = (value: number): boolean => value > 0 && value <= 1
  checkOption('doSample', doSample, value => typeof value === 'boolean', 'true or false')
  checkOption('temperature', temperature, isAbove0, 'a number above 0')
  checkOption('topK', topK, isCount, 'a whole number above 0')
  checkOption('topP', topP, isShare, 'above 0 and at most 1')
  checkOption('minP', minP, value => value >= 0 && value <= 1, 'from 0 to 1')
  checkOption('typicalP', typicalP, isShare, 'above 0 and at most 1')
  if (seed !== undefined && !Number.isSafeInteger(seed))
    throw new GenerateError(
      `The seed is ${seed}, and must be a whole number.`,
      'pass a whole number, { seed: 0 }, or leave it out: the result holds the seed that was used',
    )
}

/** Whether these options imply that tokens are drawn, although `doSample` is not given. */
export const asksForDraws = ({ temperature, topK, topP, minP, typicalP }: DrawOptions): boolean =>
  [temperature, topK, topP, minP, typicalP].some(option => option !== undefined)

/** A random seed, for calls that give none. */
export const anySeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0]

const KEEP = { keepdim: true } as const

/**
 * Divides the scores by the temperature, and gives minus infinity to tokens that can't be drawn: float32 `[rows, vocabulary]`. The order and
 * the formulas are those of the warpers in Hugging Face transformers' `generation/logits_process.py`.
 */
export function narrowed(scores: Tensor, options: DrawOptions, vocabulary: number): Tensor {
  const { temperature, topK, topP, minP, typicalP } = options
  let kept = scores
  if (temperature !== undefined && temperature !== 1) kept = kept.div(temperature)
  if (topK !== undefined) kept = atLeast(kept, kept.topk(Math.min(topK, vocabulary)).values.amin(-1, KEEP))
  if (topP !== undefined && topP < 1) kept = atLeast(kept, nucleus(kept, topP))
  // Compares scores in place of p ≥ minP · max p: the sum of the softmax is on both sides, so it is not needed.
  if (minP !== undefined && minP > 0) kept = atLeast(kept, kept.amax(-1, KEEP).add(Math.log(minP)))
  if (typicalP !== undefined && typicalP < 1) kept = typical(kept, typicalP)
  return kept
}

/** Gives minus infinity to the scores below a threshold, so that these tokens can't be drawn. */
const atLeast = (scores: Tensor, least: Tensor): Tensor => where(scores.ge(least), scores, Number.NEGATIVE_INFINITY)

/** The smallest score of the likeliest tokens that together have probability p; the likeliest is always among them. */
function nucleus(scores: Tensor, p: number): Tensor {
  const { values } = scores.sort(-1, { descending: true })
  return where(before(values.softmax(-1)).lt(p), values, Number.POSITIVE_INFINITY).amin(-1, KEEP)
}

/** Locally typical sampling: Meister et al. 2022, https://arxiv.org/abs/2202.00666. */
function typical(scores: Tensor, p: number): Tensor {
  const surprise = scores.logSoftmax(-1).neg()
  const share = scores.softmax(-1)
  const expected = where(share.gt(0), share.mul(surprise), 0).sum(-1, KEEP)
  const distance = surprise.sub(expected).abs()
  const { values, indices } = distance.sort(-1)
  const isKept = before(share.gather(-1, indices)).lt(p)
  const farthest = where(isKept, values, Number.NEGATIVE_INFINITY).amax(-1, KEEP)
  return where(distance.le(farthest), scores, Number.NEGATIVE_INFINITY)
}

/** For each share, the sum of those before it. */
const before = (shares: Tensor): Tensor => shares.cumsum(-1).sub(shares)

/** Draws a token for each row and step: the one where the cumulative distribution passes a random number. */
export class Draw {
  readonly #seed: number
  readonly #uniform: Float32Array
  readonly #rows: number

  constructor(seed: number, rows: number) {
    this.#seed = seed
    this.#rows = rows
    this.#uniform = new Float32Array(rows)
  }

  /** Draws the random numbers of a step. */
  prepare(step: number): void {
    const drawn = stateOf(rand([this.#rows], { seed: mix(this.#seed, step) })).data().data as Float32Array
    // The numbers have 23 bits, so that their product with a sum of shares stays below that sum.
    drawn.forEach((x, row) => {
      this.#uniform[row] = Math.floor(x * 2 ** 23) / 2 ** 23
    })
  }

  /** Records the drawing of a token for each row: int64 `[rows]`. */
  record(scores: Tensor): Tensor {
    const cumulative = scores.softmax(-1).cumsum(-1)
    const uniform = Tensor.of({ type: 'float32', dims: [this.#rows, 1], data: this.#uniform })
    const isBelow = cumulative.le(cumulative.amax(-1, KEEP).mul(uniform))
    return isBelow.to('int64').sum(-1)
  }
}

/** A seed for one step, by Knuth's multiplicative hash: neither the steps of a seed nor neighbouring seeds have random numbers in common. */
const mix = (seed: number, step: number): number => (Math.imul(seed, 0x9e3779b1) + Math.imul(step + 1, 0x85ebca6b)) | 0
