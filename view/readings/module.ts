import type { Inputs, Tensor } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { resolvePath } from '../../runtime/names/resolve.ts'
import type {
  ModuleRequest,
  ModuleView,
  RowWindow,
  SentAxis,
  Sides,
  ValuePlace,
  ValueSummary,
} from '../protocol/api.ts'
import { unreadable } from '../server/refusal.ts'
import { axesOfValue } from './axis-names.ts'
import {
  type BatchRow,
  facetsOf,
  type Layout,
  layoutOf,
  type MapHandles,
  mapOf,
  matrixOf,
  sentMap,
  sentMaps,
  windowOf,
} from './map.ts'
import { describeNode, nodeOf } from './operations.ts'
import { headsOf, patternsIn } from './patterns.ts'
import { pictureOf, sentPicture } from './picture.ts'
import { differenceOf, isNumeric, type StatisticsHandles, sentStatistics, statistics } from './statistics.ts'
import { assertValidTemplate, type TraceTarget, traceWithTemplate } from './template-trace.ts'
import { readingsOf, shapeOf, withKnownDims } from './values.ts'
import { samplesOf, sentWaveform, waveformHandles } from './waveform.ts'

/** Reads the values of a module: the dims of all, the statistics and the map of one, and the attention patterns. */
export async function viewModule(
  target: TraceTarget,
  inputs: Inputs,
  request: ModuleRequest,
  batch: BatchRow,
  tokens: number | undefined,
): Promise<ModuleView> {
  const read = (template: string | undefined, unedited?: Unedited) =>
    readModule(target, inputs, { ...request, template }, batch, tokens, unedited)
  if (!request.isCompared) return sentView(request.path, await read(request.template))
  assertValidTemplate(request.template!)
  const unedited = await read(undefined)
  const edited = await read(request.template, { whole: unedited.whole, head: unedited.pattern?.whole })
  return { ...sentView(request.path, edited), ...comparedView(unedited, edited) }
}

/** Values of the unedited run, which are subtracted from the edited ones. */
interface Unedited {
  /** The whole value that is shown. */
  readonly whole: Tensor | undefined
  /** The attention pattern of the head that is shown. */
  readonly head: Tensor | undefined
}

type Read = Awaited<ReturnType<typeof readModule>>

function readModule(
  target: TraceTarget,
  inputs: Inputs,
  request: ModuleRequest & { readonly template: string | undefined },
  batch: BatchRow,
  tokens: number | undefined,
  unedited: Unedited | undefined,
) {
  // Whether this is the unedited run of a comparison, which must also return the whole tensors.
  const keepsWhole = request.isCompared === true && unedited === undefined
  return traceWithTemplate(target, inputs, request.template, async model => {
    const { binding } = handleOf(model)!
    const module = resolvePath(binding.taps.tree.root, request.path)
    const { readings, main, note } = readingsOf(binding, module, request.node)
    const operation =
      request.node === undefined ? undefined : nodeOf(binding.taps.tree.graph.nodes, module, request.node)
    const patterns = operation ? [] : patternsIn(binding, module, tokens)
    const valueIndex = readings.length === 0 ? undefined : (request.value ?? main)
    const places: ValuePlace[] = readings.map(({ place }) => place)
    let whole: Tensor | undefined
    let value: SummaryHandles | undefined
    let difference: SummaryHandles | undefined
    let layout: Layout | undefined
    let dims: readonly number[] | undefined
    let axes: SentAxis[] | undefined
    let facets: { readonly axis: number; readonly maps: MapHandles } | undefined
    let picture: ReturnType<typeof pictureOf>
    let waveform: ReturnType<typeof waveformHandles>
    let window: RowWindow | undefined
    if (valueIndex !== undefined) {
      const reading = readings[valueIndex]
      if (!reading)
        throw unreadable(`${request.path} has no value ${valueIndex}.`, `choose one of 0 to ${readings.length - 1}`)
      const all = await withKnownDims(reading.tensor)
      places[valueIndex] = { ...reading.place, ...shapeOf(all) }
      dims = all.dims as number[]
      axes = axesOfValue(binding, reading.place.name, all, batch.at)
      layout = layoutOf(all, request, batch)
      window = windowOf(all, request)
      const tensor = window ? all.narrow(-2, window.from, window.count) : all
      value = summarise(tensor, layout)
      const maps = request.facets === undefined || !value ? undefined : facetsOf(tensor, layout, request.facets)
      facets = maps && { axis: request.facets!, maps }
      picture = value && pictureOf(tensor, batch.at)
      waveform = value && waveformHandles(tensor, reading.place.name, batch.at, samplesOf(binding, inputs))
      const change = value && differenceOf(tensor, unedited?.whole)
      if (change) difference = summarise(change, layout)
      if (value && keepsWhole) whole = tensor
    }
    return {
      places,
      valueIndex,
      note,
      operation: operation && describeNode(operation),
      leading: layout?.leading ?? [],
      dims,
      axes,
      window,
      facets,
      picture,
      waveform,
      patterns: patterns.map(one => one.pattern),
      value,
      difference,
      whole,
      pattern: chosenPattern(patterns, request, batch, keepsWhole, unedited?.head),
    }
  })
}

/** The statistics and the map of a value, still to be computed. */
interface SummaryHandles {
  readonly statistics: StatisticsHandles
  readonly map: MapHandles
}

/** Summarises a value; undefined if it has no numbers. */
function summarise(tensor: Tensor, layout: Layout): SummaryHandles | undefined {
  const handles = isNumeric(tensor) ? statistics(tensor) : undefined
  return handles && { statistics: handles, map: mapOf(matrixOf(tensor, layout)) }
}

function chosenPattern(
  found: ReturnType<typeof patternsIn>,
  { pattern: requested }: ModuleRequest,
  batch: BatchRow,
  keepsWhole: boolean,
  unedited: Tensor | undefined,
) {
  const [first] = found
  if (!first) return undefined
  const { pattern, tensor } = found.find(one => one.pattern.node === requested?.node) ?? first
  const head = Math.min(requested?.head ?? 0, pattern.heads - 1)
  const matrix = headsOf(tensor, batch.at).select(0, head)
  const difference = differenceOf(matrix, unedited)
  return {
    node: pattern.node,
    head,
    map: mapOf(matrix),
    difference: difference && mapOf(difference),
    whole: keepsWhole ? matrix : undefined,
  }
}

function sentView(
  path: string,
  {
    places,
    valueIndex,
    note,
    operation,
    leading,
    dims,
    axes,
    window,
    facets,
    picture,
    waveform,
    patterns,
    value,
    pattern,
  }: Read,
): ModuleView {
  return {
    path,
    values: places,
    ...(note ? { note } : {}),
    ...(operation ? { operation } : {}),
    ...(valueIndex === undefined ? {} : { valueIndex }),
    leading,
    ...(dims ? { dims } : {}),
    ...(axes ? { axes } : {}),
    ...(window ? { window } : {}),
    ...(facets ? { facets: { axis: facets.axis, maps: sentMaps(facets.maps) } } : {}),
    ...(picture ? { picture: sentPicture(picture) } : {}),
    ...(waveform ? { waveform: sentWaveform(waveform) } : {}),
    ...(value ? sentValue(value) : {}),
    patterns,
    ...(pattern ? { pattern: { node: pattern.node, head: pattern.head, map: sentMap(pattern.map) } } : {}),
  }
}

function comparedView(unedited: Read, edited: Read): Pick<ModuleView, 'compared' | 'pattern'> {
  const { difference, pattern } = edited
  const compared: Sides<ValueSummary> | undefined = unedited.value && {
    unedited: sentValue(unedited.value),
    ...(difference ? { difference: sentValue(difference) } : {}),
  }
  const heads: Sides<ReturnType<typeof sentMap>> | undefined = unedited.pattern && {
    unedited: sentMap(unedited.pattern.map),
    ...(pattern?.difference ? { difference: sentMap(pattern.difference) } : {}),
  }
  return {
    ...(compared ? { compared } : {}),
    ...(pattern && heads
      ? { pattern: { node: pattern.node, head: pattern.head, map: sentMap(pattern.map), compared: heads } }
      : {}),
  }
}

const sentValue = (value: SummaryHandles): ValueSummary => ({
  statistics: sentStatistics(value.statistics),
  map: sentMap(value.map),
})
