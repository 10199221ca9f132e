import { Application, Value } from '../../../runtime/graph/expression.ts'
import type { Inputs, Model } from '../../../runtime/index.ts'
import { handleOf } from '../../../runtime/model/module.ts'
import { Tensor } from '../../../runtime/tensor/tensor.ts'
import type { Lens, Prediction } from '../api.ts'
import { type FoundLens, findLens } from '../lens-path.ts'
import { Refusal } from '../refusal.ts'
import { tokenOf, type Vocabulary } from '../vocabulary.ts'
import { recorded, type Traced } from './traced.ts'

/** Predictions shown for each place. */
const BEST = 5

/** What the model would predict if it went from each layer straight to its head. */
export async function viewLens(
  traced: Traced,
  inputs: Inputs,
  logits: string | undefined,
  vocabulary: Vocabulary | undefined,
): Promise<Lens> {
  const { layers, head, top, own } = await recorded(traced, inputs, undefined, async model => {
    const { binding } = handleOf(model)!
    const found = findLens(binding.taps, logits)
    if ('why' in found) throw new Refusal(422, 'view-lens', found.why, 'look at modules one by one')
    return {
      layers: found.layers.map(({ path }) => path),
      head: found.head.map(({ path }) => path),
      top: found.leaving.map((_, layer) => best(headApplied(model, found, layer))),
      own: best(binding.read(found.logits)),
    }
  })
  const read = (ranked: Ranked): Prediction[][] => {
    const [ids, probabilities] = [ranked.indices.tolist() as number[][], ranked.values.tolist() as number[][]]
    return ids.map((row, position) =>
      row.map((id, rank) => ({ ...tokenOf(vocabulary, Number(id)), probability: probabilities[position][rank] })),
    )
  }
  return { layers, head, top: top.map(read), own: read(own) }
}

type Ranked = ReturnType<typeof best>

/** Of the first row of the batch: the likeliest of each position. */
function best(logits: Tensor): { values: Tensor; indices: Tensor } {
  const entries = logits.dims.at(-1)
  const { values, indices } = logits
    .select(0, 0)
    .to('float32')
    .softmax(-1)
    .topk(Math.min(BEST, entries ?? BEST))
  return { values, indices }
}

/** All that lies between the last layer and the logits, on what leaves another layer. */
function headApplied(model: Model, { leaving, logits }: FoundLens, layer: number): Tensor {
  const { binding } = handleOf(model)!
  const tracer = binding.tracer('the logit lens')
  const last = leaving.at(-1)!
  const given = binding.read(leaving[layer])
  const shape = tracer.shapeOf(logits.tensor)
  const [is, due] = [given.node.dims, tracer.shapeOf(last.tensor)?.dims]
  if (String(is) !== String(due))
    throw new Refusal(
      422,
      'view-lens',
      `${leaving[layer].label} has dims ${String(is)}, and the last layer ${String(due)}: the head can't read it.`,
      'look at modules one by one',
    )
  const application = new Application('', last, logits, given.node, tracer, tracer.mark())
  return Tensor.handle(new Value(application, 0, shape?.type ?? given.type, shape?.dims), tracer)
}
