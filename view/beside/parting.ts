import type { Inputs, Model, Tensor } from '../../runtime/index.ts'
import type { Language } from '../../runtime/language-inputs/language.ts'
import { tokenOf } from '../model/tokens.ts'
import type { PartingTokens, Prediction } from '../protocol/api.ts'
import { firstShown, MAX_POSITIONS } from '../protocol/bodies.ts'

/** How many tokens are sent for each position. */
const MAX_TOKENS = 5

/** A model, with the inputs that it runs on. */
export interface Followed {
  readonly model: Model
  readonly inputs: Readonly<Record<string, Tensor>>
}

interface Options {
  /** The names of the input with token ids and of the output with logits. */
  readonly ids: string
  readonly logits: string
  readonly from: number
  readonly language: Language | undefined
}

/** Compares what two models predict after each token of a text, some positions at a time. */
export async function partingTokens(
  sides: readonly [Followed, Followed],
  { ids, logits, from: wanted, language }: Options,
): Promise<PartingTokens> {
  const row = (sides[0].inputs[ids].tolist() as (number | bigint)[][])[0].map(Number)
  const from = firstShown(Math.min(wanted, row.length - 1))
  const count = Math.min(MAX_POSITIONS, row.length - from)
  const read = async ({ model, inputs }: Followed): Promise<Read> =>
    (await model.trace(inputs as Inputs, m => {
      const logs = m.outputs[logits].select(0, 0).narrow(0, from, count).to('float32').logSoftmax(-1)
      const { values, indices } = logs.topk(Math.min(MAX_TOKENS, logs.dims.at(-1) ?? MAX_TOKENS))
      return { logs, values, indices }
    })) as Read
  const [a, b] = [await read(sides[0]), await read(sides[1])]
  const kl = await a.logs.exp().mul(a.logs.sub(b.logs)).sum(-1).value()
  const predictions = async (own: Read, other: Read): Promise<Prediction[][]> => {
    const [shares, others] = [await own.values.exp().value(), await other.logs.gather(-1, own.indices).exp().value()]
    const [ours, theirs] = [shares, others].map(tensor => tensor.tolist() as number[][])
    return (own.indices.tolist() as (number | bigint)[][]).map((found, position) =>
      found.map((id, rank) => ({
        ...tokenOf(language, Number(id)),
        probability: ours[position][rank],
        otherProbability: theirs[position][rank],
      })),
    )
  }
  return {
    from,
    tokens: row.map(id => tokenOf(language, id)),
    kl: kl.tolist() as number[],
    first: await predictions(a, b),
    second: await predictions(b, a),
  }
}

interface Read {
  /** The logarithms of all probabilities, `[position, vocabulary]`. */
  readonly logs: Tensor
  readonly values: Tensor
  readonly indices: Tensor
}
