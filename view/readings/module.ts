import type { Inputs, Tensor } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { resolvePath } from '../../runtime/names/resolve.ts'
import type { ModuleRequest, ModuleView, SeenValue, Sides, ValuePlace } from '../protocol/api.ts'
import { unreadable } from '../server/refusal.ts'
import { type BatchRow, leadingOf, type MapHandles, mapOf, matrixOf, sentMap } from './map.ts'
import { headsOf, patternsIn } from './patterns.ts'
import { asFloats, isNumeric, type StatisticsHandles, sentStatistics, statistics } from './statistics.ts'
import { assertReadable, recorded, type Traced } from './traced.ts'
import { readingsOf, shapeOf, withKnownDims } from './values.ts'

/** Reads what goes through a module: the dims of its values, statistics and a map of one value, and its attention patterns. */
export async function viewModule(
  traced: Traced,
  inputs: Inputs,
  request: ModuleRequest,
  batch: BatchRow,
  tokens: number | undefined,
): Promise<ModuleView> {
  const read = (template: string | undefined, unedited?: Unedited) =>
    readModule(traced, inputs, { ...request, template }, batch, tokens, unedited)
  if (!request.isCompared) return sentView(request.path, await read(request.template))
  assertReadable(request.template!)
  const plain = await read(undefined)
  const edited = await read(request.template, { whole: plain.whole, head: plain.pattern?.whole })
  return { ...sentView(request.path, edited), ...comparedView(plain, edited) }
}

/** Values of the unedited run, to subtract from the edited ones. */
interface Unedited {
  readonly whole: Tensor | undefined
  readonly head: Tensor | undefined
}

type Read = Awaited<ReturnType<typeof readModule>>

function readModule(
  traced: Traced,
  inputs: Inputs,
  request: ModuleRequest & { readonly template: string | undefined },
  batch: BatchRow,
  tokens: number | undefined,
  unedited: Unedited | undefined,
) {
  // What a comparison needs from the unedited run besides the values that are shown.
  const keeps = request.isCompared === true && unedited === undefined
  return recorded(traced, inputs, request.template, async model => {
    const { binding } = handleOf(model)!
    const module = resolvePath(binding.taps.tree.root, request.path)
    const { readings, main, note } = readingsOf(binding, module)
    const found = patternsIn(binding, module, tokens)
    const shown = readings.length === 0 ? undefined : (request.value ?? main)
    const places: ValuePlace[] = readings.map(({ place }) => place)
    let whole: Tensor | undefined
    let value: Seen | undefined
    let difference: Seen | undefined
    let leading: { size: number; at: number }[] = []
    if (shown !== undefined) {
      const reading = readings[shown]
      if (!reading)
        throw unreadable(`${request.path} has no value ${shown}.`, `choose one of 0 to ${readings.length - 1}`)
      const tensor = await withKnownDims(reading.tensor)
      places[shown] = { ...reading.place, ...shapeOf(tensor) }
      leading = leadingOf(tensor, request.leading, batch)
      const at = leading.map(one => one.at)
      value = seen(tensor, at)
      const before = unedited?.whole
      if (value && before && String(before.dims) === String(tensor.dims)) difference = seen(less(tensor, before), at)
      if (value && keeps) whole = tensor
    }
    return {
      places,
      shown,
      note,
      leading,
      patterns: found.map(one => one.pattern),
      value,
      difference,
      whole,
      pattern: chosenPattern(found, request, batch, keeps, unedited?.head),
    }
  })
}

interface Seen {
  readonly statistics: StatisticsHandles
  readonly map: MapHandles
}

/** Undefined for a value without numbers. */
function seen(tensor: Tensor, leading: readonly number[]): Seen | undefined {
  const made = isNumeric(tensor) ? statistics(tensor) : undefined
  return made && { statistics: made, map: mapOf(matrixOf(tensor, leading)) }
}

const less = (edited: Tensor, unedited: Tensor): Tensor => asFloats(edited).sub(asFloats(unedited))

function chosenPattern(
  found: ReturnType<typeof patternsIn>,
  { pattern: asked }: ModuleRequest,
  batch: BatchRow,
  keeps: boolean,
  unedited: Tensor | undefined,
) {
  const [first] = found
  if (!first) return undefined
  const { pattern, tensor } = found.find(one => one.pattern.node === asked?.node) ?? first
  const head = Math.min(asked?.head ?? 0, pattern.heads - 1)
  const matrix = headsOf(tensor, batch.at).select(0, head)
  return {
    node: pattern.node,
    head,
    map: mapOf(matrix),
    difference: unedited && mapOf(less(matrix, unedited)),
    whole: keeps ? matrix : undefined,
  }
}

function sentView(path: string, { places, shown, note, leading, patterns, value, pattern }: Read): ModuleView {
  return {
    path,
    values: places,
    ...(note ? { note } : {}),
    ...(shown === undefined ? {} : { shown }),
    leading,
    ...(value ? sentValue(value) : {}),
    patterns,
    ...(pattern ? { pattern: { node: pattern.node, head: pattern.head, map: sentMap(pattern.map) } } : {}),
  }
}

function comparedView(plain: Read, edited: Read): Pick<ModuleView, 'compared' | 'pattern'> {
  const { difference, pattern } = edited
  const compared: Sides<SeenValue> | undefined = plain.value && {
    unedited: sentValue(plain.value),
    ...(difference ? { difference: sentValue(difference) } : {}),
  }
  const heads: Sides<ReturnType<typeof sentMap>> | undefined = plain.pattern && {
    unedited: sentMap(plain.pattern.map),
    ...(pattern?.difference ? { difference: sentMap(pattern.difference) } : {}),
  }
  return {
    ...(compared ? { compared } : {}),
    ...(pattern && heads
      ? { pattern: { node: pattern.node, head: pattern.head, map: sentMap(pattern.map), compared: heads } }
      : {}),
  }
}

const sentValue = (value: Seen): SeenValue => ({
  statistics: sentStatistics(value.statistics),
  map: sentMap(value.map),
})
