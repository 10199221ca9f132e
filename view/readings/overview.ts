import { toJson } from '../../cli/outputs/to-json.ts'
import { OnnsightError } from '../../runtime/errors/error.ts'
import { type Inputs, type Model, stack, type Tensor } from '../../runtime/index.ts'
import type { Language } from '../../runtime/language-inputs/language.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { tokenOf } from '../model/tokens.ts'
import type { Cell, OutputGlance, Overview, OverviewRequest, Prediction, Stage } from '../protocol/api.ts'
import { type BatchRow, glanceOf, type MapHandles, mapOf, sentMap } from './map.ts'
import { type StagePlace, stagesOf } from './stages.ts'
import { isNumeric } from './statistics.ts'
import { type TraceTarget, traceWithTemplate } from './template-trace.ts'
import { withKnownDims } from './values.ts'

/** The most outputs that are shown. The others, such as a cache's, are in the root module's list. */
const MAX_OUTPUTS = 6
/** How many of the largest numbers of an output are shown. */
const MAX_TOP = 5

/** Reads what happens in the whole model: the size of the values on the way, and what comes out. */
export async function viewOverview(
  target: TraceTarget,
  inputs: Inputs,
  { template, position }: OverviewRequest,
  batch: BatchRow,
  logits: string | undefined,
  language: Language | undefined,
): Promise<Overview> {
  const { stages, of, norms, outputs, best } = await traceWithTemplate(target, inputs, template, async model => {
    const { binding } = handleOf(model)!
    const { places, of } = stagesOf(binding)
    const read: StageHandles[] = []
    for (const place of places) {
      const tensor = await readable(binding.read(place.tap))
      if (tensor && isNumeric(tensor) && /float/.test(tensor.type) && tensor.size > 0)
        read.push(readStage(place, tensor, batch))
    }
    const rows = read.flatMap(({ norms }) => norms ?? [])
    const areAlike = rows.length === read.length && new Set(rows.map(({ dims }) => dims[0])).size === 1
    return {
      stages: read,
      of,
      norms: areAlike && Number(rows[0].dims[0]) > 1 ? mapOf(stack(rows)) : undefined,
      outputs: await readOutputs(model, logits, batch),
      best: position === undefined || logits === undefined ? undefined : bestOf(model, logits, batch, position),
    }
  })
  return {
    stages: stages.map(sentStage),
    of,
    ...(norms ? { norms: sentMap(norms) } : {}),
    outputs: outputs.map(sentOutput),
    ...(best ? { predictions: predictionsOf(best, language) } : {}),
  }
}

/** A tensor whose dims are known; undefined for a sequence, a map or an optional, which can't be read. */
async function readable(tensor: Tensor): Promise<Tensor | undefined> {
  try {
    return await withKnownDims(tensor)
  } catch (error) {
    if (error instanceof OnnsightError) return undefined
    throw error
  }
}

interface StageHandles {
  readonly place: StagePlace
  readonly tensor: Pick<Tensor, 'type' | 'dims'>
  readonly size: Tensor
  readonly norms: Tensor | undefined
  readonly map: MapHandles | undefined
}

function readStage(place: StagePlace, tensor: Tensor, batch: BatchRow): StageHandles {
  const floats = tensor.to('float32')
  const { length } = tensor.dims
  const row = (): Tensor => floats.select(0, Math.min(batch.at, (tensor.dims[0] as number) - 1))
  return {
    place,
    tensor: { type: tensor.type, dims: tensor.dims },
    size: meanSquare(floats).sqrt(),
    norms: length === 3 ? row().norm(2, -1) : undefined,
    map:
      length === 4 && Number(tensor.dims[2]) * Number(tensor.dims[3]) > 1
        ? glanceOf(row().mul(row()).mean(0).sqrt())
        : undefined,
  }
}

const meanSquare = (tensor: Tensor): Tensor => tensor.mul(tensor).mean()

function sentStage({ place: { path, node, name }, tensor, size, map }: StageHandles): Stage {
  return {
    path,
    ...(node === undefined ? {} : { node }),
    name,
    type: tensor.type,
    dims: tensor.dims as number[],
    size: cellOf(size),
    ...(map ? { map: sentMap(map) } : {}),
  }
}

interface OutputHandles extends Pick<OutputGlance, 'name' | 'type' | 'dims'> {
  readonly ends: readonly [min: Tensor, max: Tensor, mean: Tensor]
  readonly top: { readonly values: Tensor; readonly indices: Tensor; readonly shares: Tensor } | undefined
}

/** Reads the outputs, without the logits of tokens, which are shown as predictions, and without a cache. */
async function readOutputs(model: Model, logits: string | undefined, batch: BatchRow): Promise<OutputHandles[]> {
  const { binding } = handleOf(model)!
  const { taps } = binding
  const read: OutputHandles[] = []
  const taken = taps.outputTaps(taps.tree.root)
  for (const { name } of taps.tree.graph.outputs) {
    const tap = taken.get(name)
    if (!tap) continue
    if (name === logits || /past|present|cache/i.test(name) || read.length === MAX_OUTPUTS) continue
    const tensor = await readable(binding.read(tap))
    if (!tensor || !isNumeric(tensor) || tensor.size === 0) continue
    const floats = tensor.to('float32')
    const numbers = isEmbedding(name) ? undefined : rowOfNumbers(floats, batch)
    read.push({
      name,
      type: tensor.type,
      dims: tensor.dims as number[],
      ends: [floats.amin(), floats.amax(), floats.mean()],
      top: numbers && largestOf(numbers),
    })
  }
  return read
}

/** No number of an embedding has a meaning of its own. */
const isEmbedding = (name: string): boolean => /embed|hidden|state|pool/i.test(name)

/** The only row of numbers of an output such as `[batch, class]`. */
function rowOfNumbers(tensor: Tensor, batch: BatchRow): Tensor | undefined {
  const dims = tensor.dims as number[]
  if (dims.length !== 2 || dims[1] < 2) return undefined
  return tensor.select(0, Math.min(batch.at, dims[0] - 1))
}

function largestOf(numbers: Tensor): NonNullable<OutputHandles['top']> {
  const count = Math.min(MAX_TOP, numbers.dims[0] as number)
  const { values, indices } = numbers.topk(count)
  return { values, indices, shares: numbers.softmax(-1).indexSelect(0, indices) }
}

function sentOutput({ name, type, dims, ends: [min, max, mean], top }: OutputHandles): OutputGlance {
  return {
    name,
    type,
    dims,
    min: cellOf(min),
    max: cellOf(max),
    mean: cellOf(mean),
    ...(top ? { top: sentTop(top) } : {}),
  }
}

function sentTop({ values, indices, shares }: NonNullable<OutputHandles['top']>): NonNullable<OutputGlance['top']> {
  const [numbers, probabilities] = [values, shares].map(tensor => toJson(tensor.tolist()) as Cell[])
  return (indices.tolist() as (number | bigint)[]).map((at, i) => ({
    at: Number(at),
    value: numbers[i],
    probability: probabilities[i],
  }))
}

/** The likeliest tokens after a position. */
function bestOf(model: Model, logits: string, batch: BatchRow, position: number) {
  const { binding } = handleOf(model)!
  const { taps } = binding
  const tap = taps.outputTaps(taps.tree.root).get(logits) ?? taps.tensorTap(logits)
  const row = binding.read(tap).select(0, batch.at).select(0, position).to('float32')
  return row.softmax(-1).topk(MAX_TOP)
}

function predictionsOf(
  { values, indices }: { readonly values: Tensor; readonly indices: Tensor },
  language: Language | undefined,
): Prediction[] {
  const shares = values.tolist() as number[]
  return (indices.tolist() as (number | bigint)[]).map((id, i) => ({
    ...tokenOf(language, Number(id)),
    probability: shares[i],
  }))
}

const cellOf = (tensor: Tensor): Cell => toJson(tensor.tolist()) as Cell
