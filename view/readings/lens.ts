import { cat, type Inputs, type Model, tensor } from '../../runtime/index.ts'
import type { Language } from '../../runtime/language-inputs/language.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { type FoundLens, findLens } from '../../runtime/names/lens-path.ts'
import { dimsOf, type Tensor } from '../../runtime/tensor/tensor.ts'
import { applyHeadToEach } from '../../study/model/apply-head.ts'
import { tokenOf } from '../model/tokens.ts'
import type { Followed, Lens, LensRequest, LensRows, Prediction, Token } from '../protocol/api.ts'
import { MAX_POSITIONS } from '../protocol/bodies.ts'
import { Refusal, unreadable } from '../server/refusal.ts'
import { assertValidTemplate, type TraceTarget, traceWithTemplate } from './template-trace.ts'

/** How many tokens are sent for each layer and position. */
const MAX_TOKENS = 5

/**
 * Computes what the model would predict if the output of each layer went straight into the head.
 * @param change makes the changes of the compared run in the trace, in addition to those of the template
 */
export async function viewLens(
  target: TraceTarget,
  inputs: Inputs,
  request: LensRequest,
  row: readonly number[],
  logits: string | undefined,
  language: Language | undefined,
  change?: () => void,
): Promise<Lens> {
  const { from = 0, batch = 0, template, isCompared, follow = 'next' } = request
  const positions = row.length
  if (from >= positions)
    throw unreadable(`There is no position ${from}: there are ${positions}.`, 'choose another position')
  const window = { batch, from, count: Math.min(MAX_POSITIONS, positions - from), next: follow === 'next' ? row : [] }
  const read = (isEdited: boolean, tokensOf?: readonly Ranked[]) =>
    traceWithTemplate(target, inputs, isEdited ? template : undefined, model => {
      if (isEdited) change?.()
      return readLens(model, window, logits, tokensOf)
    })
  const sent = (rows: readonly Ranked[], others?: readonly Tensor[]) => sentRows(rows, others, language)
  if (!isCompared) {
    const { layers, head, rows } = await read(template !== undefined)
    return { layers, head, from, positions, targets: targetsOf(rows, language), ...sent(rows) }
  }
  if (template !== undefined) assertValidTemplate(template)
  const unedited = await read(false)
  const edited = await read(true, unedited.rows)
  // Run the unedited model again to get the probabilities of the tokens that are likely in the edited run.
  const again = await read(false, edited.rows)
  const { layers, head } = edited
  return {
    layers,
    head,
    from,
    positions,
    targets: targetsOf(edited.rows, language),
    ...sent(edited.rows, again.others),
    unedited: sent(unedited.rows, edited.others),
  }
}

/** The row of the batch and the positions that are sent. */
interface Window {
  readonly batch: number
  readonly from: number
  readonly count: number
  /** The tokens of the row, if the next token of the text is followed; empty if the model’s prediction is followed. */
  readonly next: readonly number[]
}

/** The likeliest tokens of each position. */
interface Ranked {
  readonly values: Tensor
  readonly indices: Tensor
  /** The token that is followed, its probability, and how many tokens are likelier. */
  readonly target: Tensor
  readonly targetShare: Tensor
  readonly likelier: Tensor
}

/** Reads the likeliest tokens of each layer and, last, of the model itself; also their probabilities of the tokens in `tokensOf`. */
function readLens(model: Model, window: Window, logits: string | undefined, tokensOf: readonly Ranked[] | undefined) {
  const { binding } = handleOf(model)!
  const found = findLens(binding.taps, logits)
  if ('why' in found) throw new Refusal(422, 'view-lens', found.why, 'look at the modules instead')
  const logitsIn = [...headsApplied(model, found, window), within(binding.read(found.logits), window)]
  const probabilities = logitsIn.map(one => one.to('float32').softmax(-1))
  const target = targetIn(probabilities.at(-1)!, window)
  return {
    layers: found.layers.map(({ path }) => path),
    head: found.head.map(({ path }) => path),
    rows: probabilities.map(one => best(one, target)),
    others: tokensOf && probabilities.map((one, i) => one.gather(-1, tokensOf[i].indices)),
  }
}

const within = (values: Tensor, { batch, from, count }: Window): Tensor =>
  values.select(0, batch).narrow(0, from, count)

/** The token that is followed at each position, `[position, 1]`. */
function targetIn(own: Tensor, { from, count, next }: Window): Tensor {
  const predicted = own.argmax(-1, { keepdim: true })
  const known = next.slice(from + 1, from + 1 + count)
  if (known.length === 0) return predicted
  const nextTokens = tensor(
    known.map(id => [id]),
    { type: 'int64' },
  )
  return known.length === count
    ? nextTokens
    : cat([nextTokens, predicted.narrow(0, known.length, count - known.length)], 0)
}

function best(probabilities: Tensor, target: Tensor): Ranked {
  const { values, indices } = probabilities.topk(Math.min(MAX_TOKENS, probabilities.dims.at(-1) ?? MAX_TOKENS))
  const share = probabilities.gather(-1, target)
  return {
    values,
    indices,
    target: target.squeeze(-1),
    targetShare: share.squeeze(-1),
    likelier: probabilities.gt(share).to('int64').sum(-1),
  }
}

const targetsOf = (rows: readonly Ranked[], language: Language | undefined): Token[] =>
  (rows.at(-1)!.target.tolist() as (number | bigint)[]).map(id => tokenOf(language, Number(id)))

function followedIn({ targetShare, likelier }: Ranked): Followed[] {
  const ranks = likelier.tolist() as (number | bigint)[]
  return (targetShare.tolist() as number[]).map((probability, i) => ({ probability, rank: Number(ranks[i]) + 1 }))
}

function sentRows(
  rows: readonly Ranked[],
  others: readonly Tensor[] | undefined,
  language: Language | undefined,
): LensRows {
  const read = ({ indices, values }: Ranked, i: number): Prediction[][] => {
    const [ids, shares] = [indices.tolist() as number[][], values.tolist() as number[][]]
    const otherShares = others?.[i].tolist() as number[][] | undefined
    return ids.map((row, position) =>
      row.map((id, rank) => ({
        ...tokenOf(language, Number(id)),
        probability: shares[position][rank],
        ...(otherShares ? { otherProbability: otherShares[position][rank] } : {}),
      })),
    )
  }
  const sent = rows.map(read)
  return { top: sent.slice(0, -1), own: sent.at(-1)!, followed: rows.map(followedIn) }
}

/** Applies everything between the last layer and the logits to the output of each layer, `[position, vocabulary]` each. */
function headsApplied(model: Model, found: FoundLens, window: Window): Tensor[] {
  const { binding } = handleOf(model)!
  const { leaving, takesAnyPositions } = found
  const tracer = binding.tracer('the logit lens')
  const headDims = tracer.shapeOf(leaving.at(-1)!.tensor)?.dims
  const outputs = leaving.map(tap => {
    const output = binding.read(tap)
    if (String(dimsOf(output)) === String(headDims)) return output
    throw new Refusal(
      422,
      'view-lens',
      `${tap.label} has dims ${String(dimsOf(output))}, but the head takes the last layer's ${String(headDims)}.`,
      'look at the modules instead',
    )
  })
  if (!takesAnyPositions) return applyHeadToEach(tracer, found, outputs).map(logits => within(logits, window))
  const rows = outputs.map(output => within(output, window).unsqueeze(0))
  return applyHeadToEach(tracer, found, rows).map(logits => logits.squeeze(0))
}
