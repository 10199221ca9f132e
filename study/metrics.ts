import { ArgumentError } from '../runtime/errors/tensor.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import type { Answer } from './model/studied-model.ts'

/** What a metric can use beside the logits that it measures. */
export interface MetricContext {
  /** The token ids of the prompt that runs. */
  readonly ids: readonly number[]
  /** The number of the prompt in its batch, for answers that differ from prompt to prompt. */
  readonly prompt: number
  /** The logits of the clean (unedited) run on its prompt: `[1, position, vocabulary]`. */
  readonly clean: Tensor
  /** The id of a token that is given by its id or its text. */
  idOf(answer: Answer): number
}

/**
 * Computes a number for each row of a run, in the model's graph: from the logits, float32 `[row, position, vocabulary]`, to `[row]`. The rows
 * are variants of one prompt.
 */
export interface Metric {
  /** What is measured, with its unit, for tables and pictures. */
  readonly name: string
  measure(logits: Tensor, context: MetricContext): Tensor
}

/** Answers: one for all prompts, or one for each. */
export type Answers = Answer | readonly Answer[]

/** The position at which a metric measures. */
export interface MetricOptions {
  /** The position whose prediction is measured; negative ones count from the end. @default -1 */
  readonly position?: number
}

/** The logit of one token minus that of another, as in Wang et al. 2022 (arXiv:2211.00593). */
export function logitDifference(answer: Answers, other: Answers, { position = -1 }: MetricOptions = {}): Metric {
  return {
    name: 'logit difference',
    measure(logits, context) {
      // The position is read once, so that the head computes only this position.
      const row = at(logits, position)
      return row.select(-1, idFor(answer, context)).sub(row.select(-1, idFor(other, context)))
    },
  }
}

/** The probability of a token, from 0 to 1. */
export function probability(answer: Answers, { position = -1 }: MetricOptions = {}): Metric {
  return {
    name: 'probability',
    measure: (logits, context) => at(logits, position).softmax(-1).select(-1, idFor(answer, context)),
  }
}

/** The logarithm of the probability of a token, in nats. */
export function logProbability(answer: Answers, { position = -1 }: MetricOptions = {}): Metric {
  return {
    name: 'log probability (nats)',
    measure: (logits, context) => at(logits, position).logSoftmax(-1).select(-1, idFor(answer, context)),
  }
}

/** One element of an output `[row, element]`, such as a class's score. */
export function score(index: number): Metric {
  return {
    name: `score ${index}`,
    measure: output => output.select(-1, index),
  }
}

/** The divergence KL(clean prediction ‖ this prediction), in nats: 0 if the prediction is the clean one. */
export function divergence({ position = -1 }: MetricOptions = {}): Metric {
  return {
    name: 'KL to the clean run (nats)',
    measure(logits, context) {
      const due = at(context.clean, position).logSoftmax(-1)
      return due
        .exp()
        .mul(due.sub(at(logits, position).logSoftmax(-1)))
        .sum(-1)
    },
  }
}

/** The positions that `loss()` measures. */
export interface LossOptions {
  /** The first position whose prediction counts. @default 0 */
  readonly from?: number
  /** The position after the last one that counts; negative ones count from the end. @default the last token's, because no token follows it */
  readonly to?: number
}

/** The mean cross-entropy of the prompt's own next tokens, in nats per token. */
export function loss({ from = 0, to = -1 }: LossOptions = {}): Metric {
  return {
    name: 'loss (nats)',
    measure(logits, { ids }) {
      const end = Math.min(to < 0 ? ids.length + to : to, ids.length - 1)
      if (!(from >= 0 && from < end))
        throw new ArgumentError(
          `loss: no position from ${from} to ${to} of a prompt of ${ids.length} tokens has a next token.`,
          undefined,
          'give a longer prompt, or another range',
        )
      const logs = logits.narrow(1, from, end - from).logSoftmax(-1)
      const next = ids.slice(from + 1, end + 1)
      const each = next.map((id, i) => logs.select(1, i).select(-1, id))
      return each.reduce((sum, one) => sum.add(one)).div(-next.length)
    },
  }
}

const at = (logits: Tensor, position: number): Tensor => logits.select(1, position)

function idFor(answers: Answers, { prompt, idOf }: MetricContext): number {
  if (typeof answers !== 'object') return idOf(answers)
  if (prompt >= answers.length)
    throw new ArgumentError(
      `A metric has ${answers.length} answers, and there is a prompt ${prompt}.`,
      undefined,
      'give one answer for all prompts, or one for each',
    )
  return idOf(answers[prompt])
}
