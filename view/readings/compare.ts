import { toJson } from '../../cli/outputs/to-json.ts'
import { outputsOf } from '../../cli/run/template.ts'
import type { Inputs, Tensor } from '../../runtime/index.ts'
import type { Language } from '../../runtime/language-inputs/language.ts'
import { tokenOf } from '../model/tokens.ts'
import type { Cell, ComparedOutput, ComparedToken, CompareRequest, Comparison, SavedValue } from '../protocol/api.ts'
import { unreadable } from '../server/refusal.ts'
import { differenceOf, isNumeric, type StatisticsHandles, sentStatistics, statistics } from './statistics.ts'
import { type TemplateResult, type TraceTarget, traceWithTemplate } from './template-trace.ts'
import { shapeOf, withKnownDims } from './values.ts'

/** How many tokens of each run are shown. */
const MAX_TOKENS = 10
/** How many values of an output are shown. */
const MAX_VALUES = 64

/** Compares an unedited run with a run that a template changes. */
export async function compare(
  target: TraceTarget,
  inputs: Inputs,
  request: CompareRequest,
  logits: string | undefined,
  language: Language | undefined,
): Promise<Comparison> {
  const runWith = (edit: string | undefined) =>
    traceWithTemplate(target, inputs, edit, async (model, template): Promise<Side> => {
      const outputs = outputsOf(model)
      return logits === undefined
        ? { ...template, outputs }
        : { ...template, predictions: await predictionsOf(outputs[logits], request) }
    })
  // Run the edited model first: if the template has a syntax error, no run is wasted.
  const edited = await runWith(request.template)
  const unedited = await runWith(undefined)
  const { printed } = edited
  const saved = await Promise.all(Object.entries(edited.saved).map(savedValue))
  if (edited.predictions && unedited.predictions) {
    const tokens = comparedTokens(unedited.predictions, edited.predictions, language)
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
interface Side extends TemplateResult {
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

async function predictionsOf(output: Tensor, { batch = 0, position: requested }: CompareRequest): Promise<Predictions> {
  const logits = await withKnownDims(output)
  const [rows, tokens] = logits.dims as number[]
  const position = requested ?? tokens - 1
  if (batch >= rows) throw unreadable(`There is no row ${batch} in the batch: it has ${rows}.`, 'choose another row')
  if (position >= tokens)
    throw unreadable(`There is no position ${position}: there are ${tokens} tokens.`, 'choose another position')
  const row = logits.select(0, batch).select(0, position).to('float32')
  const probabilities = row.softmax(-1)
  return {
    position,
    logits: row,
    probabilities,
    best: probabilities.topk(Math.min(MAX_TOKENS, row.dims[0] ?? MAX_TOKENS)).indices,
  }
}

function comparedTokens(unedited: Predictions, edited: Predictions, language: Language | undefined): ComparedToken[] {
  const sides = [unedited, edited] as const
  const ids = new Set(sides.flatMap(({ best }) => (best.tolist() as number[]).map(Number)))
  const both = (of: (side: Predictions) => Tensor, id: number) =>
    sides.map(side => toJson(Number(of(side).data[id]))) as [Cell, Cell]
  const likeliest = (id: number): number => Math.max(...sides.map(side => Number(side.probabilities.data[id])))
  return [...ids]
    .sort((a, b) => likeliest(b) - likeliest(a))
    .map(id => ({
      ...tokenOf(language, id),
      logits: both(side => side.logits, id),
      probabilities: both(side => side.probabilities, id),
    }))
}

async function comparedOutput(name: string, unedited: Tensor, edited: Tensor): Promise<ComparedOutput> {
  const values = [first(unedited), first(edited)] as const
  const base = { name, ...shapeOf(edited), values }
  if (!isNumeric(unedited) || unedited.size === 0 || edited.size === 0) return base
  const difference = differenceOf(edited, unedited)
  return {
    ...base,
    statistics: [await statisticsOf(unedited), await statisticsOf(edited)],
    ...(difference ? { difference: await statisticsOf(difference) } : {}),
  }
}

async function savedValue([name, tensor]: [string, Tensor]): Promise<SavedValue> {
  const known = await withKnownDims(tensor)
  const base = { name, ...shapeOf(known), values: first(known) }
  return isNumeric(known) && known.size > 0 ? { ...base, statistics: await statisticsOf(known) } : base
}

/** Computes the statistics of a tensor that has a value. */
async function statisticsOf(tensor: Tensor) {
  const { count, ...handles } = statistics(tensor)!
  const entries = Object.entries(handles).map(async ([name, handle]) => [name, await handle.value()] as const)
  return sentStatistics({ ...Object.fromEntries(await Promise.all(entries)), count } as unknown as StatisticsHandles)
}

const first = (tensor: Tensor): Cell[] =>
  Array.from({ length: Math.min(MAX_VALUES, tensor.size) }, (_, i) => {
    const value = tensor.data[i]
    return toJson(
      tensor.type === 'bool'
        ? Boolean(value)
        : typeof value === 'bigint' && Number.isSafeInteger(Number(value))
          ? Number(value)
          : value,
    ) as Cell
  })
