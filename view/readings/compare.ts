import { toJson } from '../../cli/outputs/to-json.ts'
import { outputsOf } from '../../cli/run/template.ts'
import type { Inputs, Tensor } from '../../runtime/index.ts'
import { tokenOf, type Vocabulary } from '../model/vocabulary.ts'
import type { Cell, ComparedOutput, ComparedToken, CompareRequest, Comparison, SavedValue } from '../protocol/api.ts'
import { unreadable } from '../server/refusal.ts'
import { asFloats, isNumeric, type StatisticsHandles, sentStatistics, statistics } from './statistics.ts'
import { type Changed, recorded, type Traced } from './traced.ts'
import { shapeOf, withKnownDims } from './values.ts'

/** Predictions of each side, and values of an output, that are shown. */
const BEST = 10
const FIRST = 64

/** Compares an unedited run with a run that a template changes. */
export async function compare(
  traced: Traced,
  inputs: Inputs,
  request: CompareRequest,
  logits: string | undefined,
  vocabulary: Vocabulary | undefined,
): Promise<Comparison> {
  const outputsWith = (template: string | undefined) =>
    recorded(traced, inputs, template, async (model, changed): Promise<Side> => {
      const outputs = outputsOf(model)
      return logits === undefined
        ? { ...changed, outputs }
        : { ...changed, predictions: await predictionsOf(outputs[logits], request) }
    })
  // Run the edited one first, so that a template with a syntax error costs no run.
  const edited = await outputsWith(request.template)
  const unedited = await outputsWith(undefined)
  const { printed } = edited
  const saved = await Promise.all(Object.entries(edited.saved).map(savedValue))
  if (edited.predictions && unedited.predictions) {
    const tokens = comparedTokens(unedited.predictions, edited.predictions, vocabulary)
    return { tokens, position: edited.predictions.position, saved, printed }
  }
  const outputs = await Promise.all(
    Object.entries(unedited.outputs ?? {}).map(([name, tensor]) =>
      comparedOutput(name, tensor, edited.outputs?.[name] ?? tensor),
    ),
  )
  return { outputs, saved, printed }
}

/** One of the two runs. */
interface Side extends Changed {
  readonly predictions?: Predictions
  readonly outputs?: Readonly<Record<string, Tensor>>
}

interface Predictions {
  readonly position: number
  /** Logits and probabilities of all entries of the vocabulary. */
  readonly logits: Tensor
  readonly probabilities: Tensor
  readonly best: Tensor
}

async function predictionsOf(given: Tensor, { batch = 0, position: asked }: CompareRequest): Promise<Predictions> {
  const logits = await withKnownDims(given)
  const [rows, tokens] = logits.dims as number[]
  const position = asked ?? tokens - 1
  if (batch >= rows) throw unreadable(`There is no row ${batch} in the batch: there are ${rows}.`, 'choose another')
  if (position >= tokens) throw unreadable(`There is no position ${position}: there are ${tokens}.`, 'choose another')
  const row = logits.select(0, batch).select(0, position).to('float32')
  const probabilities = row.softmax(-1)
  return { position, logits: row, probabilities, best: probabilities.topk(Math.min(BEST, row.dims[0] ?? BEST)).indices }
}

function comparedTokens(
  unedited: Predictions,
  edited: Predictions,
  vocabulary: Vocabulary | undefined,
): ComparedToken[] {
  const sides = [unedited, edited] as const
  const ids = new Set(sides.flatMap(({ best }) => (best.tolist() as number[]).map(Number)))
  const both = (of: (side: Predictions) => Tensor, id: number) =>
    sides.map(side => toJson(Number(of(side).data[id]))) as [Cell, Cell]
  const likeliest = (id: number): number => Math.max(...sides.map(side => Number(side.probabilities.data[id])))
  return [...ids]
    .sort((a, b) => likeliest(b) - likeliest(a))
    .map(id => ({
      ...tokenOf(vocabulary, id),
      logits: both(side => side.logits, id),
      probabilities: both(side => side.probabilities, id),
    }))
}

async function comparedOutput(name: string, unedited: Tensor, edited: Tensor): Promise<ComparedOutput> {
  const values = [first(unedited), first(edited)] as const
  const base = { name, ...shapeOf(edited), values }
  if (!isNumeric(unedited) || unedited.size === 0 || edited.size === 0) return base
  const isSame = String(unedited.dims) === String(edited.dims)
  const difference = isSame ? asFloats(edited).sub(asFloats(unedited)) : undefined
  return {
    ...base,
    statistics: [await computed(unedited), await computed(edited)],
    ...(difference ? { difference: await computed(difference) } : {}),
  }
}

async function savedValue([name, tensor]: [string, Tensor]): Promise<SavedValue> {
  const known = await withKnownDims(tensor)
  const base = { name, ...shapeOf(known), values: first(known) }
  return isNumeric(known) && known.size > 0 ? { ...base, statistics: await computed(known) } : base
}

/** statistics of a computed tensor, all together. */
async function computed(tensor: Tensor) {
  const { count, ...handles } = statistics(tensor)!
  const entries = Object.entries(handles).map(async ([name, handle]) => [name, await handle.value()] as const)
  return sentStatistics({ ...Object.fromEntries(await Promise.all(entries)), count } as unknown as StatisticsHandles)
}

const first = (tensor: Tensor): Cell[] =>
  Array.from({ length: Math.min(FIRST, tensor.size) }, (_, i) => {
    const value = tensor.data[i]
    return toJson(
      tensor.type === 'bool'
        ? Boolean(value)
        : typeof value === 'bigint' && Number.isSafeInteger(Number(value))
          ? Number(value)
          : value,
    ) as Cell
  })
