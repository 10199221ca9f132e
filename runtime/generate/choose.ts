import { GenerateError } from '../errors/generate.ts'
import { rand } from '../tensor/creation/random.ts'
import { where } from '../tensor/ops/comparison.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** How the next token is chosen. Without any of these: the likeliest. */
export interface ChoiceOptions {
  /** Logits are divided by it: above 0. @default 1, where one of the others is given */
  readonly temperature?: number
  /** Only the k likeliest tokens can be chosen. */
  readonly topK?: number
  /** Only the likeliest tokens can be chosen that together have this probability: above 0, at most 1. */
  readonly topP?: number
  /** Of the random numbers: the same seed gives the same tokens. @default another one in each call; it is in the result */
  readonly seed?: number
}

/** From the logits of the last position, float `[batch, vocabulary]`, the tokens: int64 `[batch]`. `dims` are the logits', if known. */
export type Choose = (logits: Tensor, step: number, dims: readonly (number | undefined)[]) => Tensor

const isDrawn = ({ temperature, topK, topP }: ChoiceOptions): boolean =>
  temperature !== undefined || topK !== undefined || topP !== undefined

/** The seed to draw with: the one that is given, or one that nobody has chosen; undefined where nothing is drawn. */
export function seedOf(options: ChoiceOptions): number | undefined {
  if (!isDrawn(options)) return undefined
  return options.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]
}

/** @throws GenerateError for options that make no sense */
export function chooser({ temperature, topK, topP, seed }: ChoiceOptions): Choose {
  if (!isDrawn({ temperature, topK, topP } as ChoiceOptions)) return logits => logits.argmax(-1)
  if (seed === undefined || !Number.isSafeInteger(seed))
    throw new GenerateError(
      `The seed is ${seed}, and must be a whole number.`,
      'pass a whole number, { seed: 0 }, or leave it out: the result holds the seed that was used',
    )
  check('temperature', temperature, value => value > 0, 'a number above 0')
  check('topK', topK, value => Number.isInteger(value) && value > 0, 'a whole number above 0')
  check('topP', topP, value => value > 0 && value <= 1, 'above 0 and at most 1')
  return (logits, step, [rows, vocabulary]) => {
    if (rows === undefined || vocabulary === undefined) throw unknownSize()
    let scaled = logits.to('float32')
    if (temperature !== undefined) scaled = scaled.div(temperature)
    if (topK !== undefined) scaled = atLeast(scaled, scaled.topk(Math.min(topK, vocabulary)).values.amin(-1, KEEP))
    if (topP !== undefined && topP < 1) scaled = atLeast(scaled, nucleus(scaled, topP))
    const uniform = rand([rows, vocabulary], { seed: mix(seed, step) })
    // Gumbel's trick: the largest of the logits with this noise is a draw from their softmax.
    return scaled.sub(uniform.log().neg().log()).argmax(-1)
  }
}

const KEEP = { keepdim: true } as const

/** Those below can't be chosen. */
const atLeast = (logits: Tensor, least: Tensor): Tensor => where(logits.ge(least), logits, Number.NEGATIVE_INFINITY)

/** The smallest logit of the likeliest tokens that together have probability p; the likeliest is always among them. */
function nucleus(logits: Tensor, p: number): Tensor {
  const { values } = logits.sort(-1, { descending: true })
  const likely = values.softmax(-1)
  const before = likely.cumsum(-1).sub(likely)
  return where(before.lt(p), values, Number.POSITIVE_INFINITY).amin(-1, KEEP)
}

const unknownSize = (): GenerateError =>
  new GenerateError(
    'Tokens can’t be drawn: the size of the vocabulary is not known before the model runs.',
    'leave out temperature, topK and topP',
  )

/** Steps of one seed, and neighbouring seeds, have nothing in common. Knuth's multiplicative hash. */
const mix = (seed: number, step: number): number => (Math.imul(seed, 0x9e3779b1) + Math.imul(step + 1, 0x85ebca6b)) | 0

function check(name: string, value: number | undefined, isRight: (value: number) => boolean, what: string): void {
  if (value === undefined || isRight(value)) return
  throw new GenerateError(`${name} is ${value}, and must be ${what}.`, `give ${name} a value that is ${what}`)
}
