import type { Dims } from '../../runtime/graph/expression.ts'
import { cat, stack } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'

/** What the logit lens keeps of the logits of each layer. All but `followed` begin with the axes `[layer, prompt, token]`. */
export interface LensRows {
  readonly ids: Tensor
  readonly probabilities: Tensor
  readonly answerProbabilities: Tensor
  readonly ranks: Tensor
  readonly kl: Tensor
  readonly entropy: Tensor
  /** The token whose probability and rank are kept: int64 `[prompt, token]`. */
  readonly followed: Tensor
  readonly logits: Tensor | undefined
}

interface Kept {
  readonly top: number
  /** The id of the token that is followed, of so many; without it, the model's own prediction is followed. */
  readonly answer: ((size: number) => number) | undefined
  readonly keepLogits: boolean | undefined
}

/** The most logits of all layers that are there at once: 128 MB of float32. What is computed of them takes some times as much. */
const MOST_LOGITS = 2 ** 25

/** The parts of the positions, each its start and length, whose logits of all layers are computed at once. `dims` are those of the logits. */
export function partsOf(layers: number, dims: Dims): readonly (readonly [number, number])[] {
  const [prompts, positions, vocabulary] = dims
  if (dims.length !== 3 || !prompts || !positions || !vocabulary) return []
  const most = Math.max(1, Math.floor(MOST_LOGITS / (layers * prompts * vocabulary)))
  const starts = Array.from({ length: Math.ceil(positions / most) }, (_, i) => i * most)
  return starts.map(from => [from, Math.min(most, positions - from)])
}

/** Computes them from the logits of each layer, in a trace. The last logits are the model's own. */
export function lensRows(layers: readonly Tensor[], { top, answer, keepLogits }: Kept): LensRows {
  const logits = layers.map(one => one.to('float32'))
  const own = logits.at(-1)!
  const size = own.dims.at(-1) ?? Number.POSITIVE_INFINITY
  const finalProbabilities = own.softmax(-1)
  const followed =
    answer === undefined
      ? own.argmax(-1, { keepdim: true })
      : own.argmax(-1, { keepdim: true }).mul(0).add(answer(size))
  // The vocabulary is by far the longest axis, so each pass over it counts: log-probabilities are logits less their log of a sum.
  const rows = logits.map((one, i) => {
    const probabilities = i === logits.length - 1 ? finalProbabilities : one.softmax(-1)
    const ranked = one.topk(Math.min(top, size))
    const best = { index: ranked.indices.slice('..., 0:1'), logit: ranked.values.slice('..., 0:1') }
    const logSum = best.logit.sub(probabilities.gather(-1, best.index).log())
    const ownLogit = one.gather(-1, followed)
    return {
      ids: ranked.indices,
      probabilities: ranked.values.sub(logSum).exp(),
      answer: ownLogit.sub(logSum).exp().squeeze(-1),
      // float32 counts whole numbers up to 2 ** 24, at half the bytes of int64.
      rank: one.gt(ownLogit).to('float32').sum(-1).to('int64'),
      logSum: logSum.squeeze(-1),
      mean: dot(probabilities, one),
      ownMean: dot(finalProbabilities, one),
    }
  })
  const { mean: finalMean, logSum: finalLogSum } = rows.at(-1)!
  const each = (name: keyof (typeof rows)[number]): Tensor => stack(rows.map(row => row[name]))
  return {
    ids: each('ids'),
    probabilities: each('probabilities'),
    answerProbabilities: each('answer'),
    ranks: each('rank'),
    // Σ p·(log p − log q), where log p and log q are logits less their log of a sum.
    kl: finalMean.sub(finalLogSum).sub(each('ownMean')).add(each('logSum')).maximum(0),
    entropy: each('logSum').sub(each('mean')),
    followed: followed.squeeze(-1),
    logits: keepLogits ? stack(logits) : undefined,
  }
}

/** Σ a·b along the last axis. onnxruntime's product of a row with a column takes four times as long. */
const dot = (a: Tensor, b: Tensor): Tensor => a.mul(b).sum(-1)

/** Joins what was computed for some positions each. */
export async function joined(parts: readonly LensRows[]): Promise<LensRows> {
  const along = (axis: number, pick: (part: LensRows) => Tensor): Promise<Tensor> => cat(parts.map(pick), axis).value()
  return {
    ids: await along(2, part => part.ids),
    probabilities: await along(2, part => part.probabilities),
    answerProbabilities: await along(2, part => part.answerProbabilities),
    ranks: await along(2, part => part.ranks),
    kl: await along(2, part => part.kl),
    entropy: await along(2, part => part.entropy),
    followed: await along(1, part => part.followed),
    logits: parts[0].logits && (await along(2, part => part.logits!)),
  }
}
