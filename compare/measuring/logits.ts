import { cat } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'

/** How the predictions of two language models differ, as means over positions. */
export interface LogitsDifference {
  /** KL(A ‖ B), in nats. */
  readonly kl: number
  /** The share of positions where both models have the same likeliest token. */
  readonly top1: number
  /** The share of A's five likeliest tokens that are among B's five. */
  readonly top5: number
  /** A's loss on the next tokens of the input itself, in nats per token; null for inputs of one token. */
  readonly lossA: number | null
  readonly lossB: number | null
}

/** Records, in a trace, the numbers that `logitsDifference` takes, as one small tensor. */
export function logitsNumbers(ours: Tensor, theirs: Tensor, ids: Tensor): Tensor {
  const [a, b] = [ours.to('float32').logSoftmax(-1), theirs.to('float32').logSoftmax(-1)]
  const kl = a.exp().mul(a.sub(b)).sum(-1).mean()
  const top = Math.min(5, a.dims.at(-1) as number)
  const [likeliest, others] = [a.topk(top, -1).indices, b.topk(top, -1).indices]
  const shared = likeliest.unsqueeze(-1).eq(others.unsqueeze(-2)).to('float32').sum(-1).mean()
  const top1 = a.argmax(-1).eq(b.argmax(-1)).to('float32').mean()
  const length = ids.dims[1] as number
  const loss = (logs: Tensor): Tensor[] => {
    if (length < 2 || length !== logs.dims[1]) return []
    const next = ids
      .narrow(1, 1, length - 1)
      .to('int64')
      .unsqueeze(-1)
    return [
      logs
        .narrow(1, 0, length - 1)
        .gather(-1, next)
        .mean()
        .mul(-1),
    ]
  }
  return cat([kl, top1, shared, ...loss(a), ...loss(b)].map(number => number.reshape([1])))
}

export function logitsDifference([kl, top1, top5, lossA, lossB]: readonly number[]): LogitsDifference {
  return { kl, top1, top5, lossA: lossA ?? null, lossB: lossB ?? null }
}
