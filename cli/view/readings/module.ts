import type { Inputs, Tensor } from '../../../runtime/index.ts'
import { handleOf } from '../../../runtime/model/module.ts'
import { resolvePath } from '../../../runtime/names/resolve.ts'
import { plain } from '../../outputs/to-json.ts'
import type { Cell, ModuleRequest, ModuleView, Row, RowRequest, ValuePlace } from '../api.ts'
import { unreadable } from '../refusal.ts'
import { leadingOf, type MapHandles, mapOf, matrixOf, sentMap } from './map.ts'
import { headOf, patternsIn } from './patterns.ts'
import { isNumeric, type StatisticsHandles, sentStatistics, statistics } from './statistics.ts'
import { recorded, type Traced } from './traced.ts'
import { readingsOf, shapeOf, withKnownDims } from './values.ts'

/** What goes through a module: its values' dims, and of one of them statistics and a map; the patterns of its attention. */
export async function viewModule(
  traced: Traced,
  inputs: Inputs,
  request: ModuleRequest,
  tokens: number | undefined,
): Promise<ModuleView> {
  const result = await recorded(traced, inputs, request.template, async model => {
    const { binding } = handleOf(model)!
    const module = resolvePath(binding.taps.tree.root, request.path)
    const { readings, main, note } = readingsOf(binding, module)
    const found = patternsIn(binding, module, tokens)
    const shown = readings.length === 0 ? undefined : (request.value ?? main)
    const places: ValuePlace[] = readings.map(({ place }) => place)
    let value: { statistics: StatisticsHandles; map: MapHandles } | undefined
    let leading: { size: number; at: number }[] = []
    if (shown !== undefined) {
      const reading = readings[shown]
      if (!reading)
        throw unreadable(`${request.path} has no value ${shown}.`, `choose one of 0 to ${readings.length - 1}`)
      const tensor = await withKnownDims(reading.tensor)
      places[shown] = { ...reading.place, ...shapeOf(tensor) }
      const made = isNumeric(tensor) ? statistics(tensor) : undefined
      leading = leadingOf(tensor, request.leading)
      if (made)
        value = {
          statistics: made,
          map: mapOf(
            matrixOf(
              tensor,
              leading.map(({ at }) => at),
            ),
          ),
        }
    }
    const pattern = chosenPattern(found, request.pattern)
    return {
      places,
      shown,
      note,
      leading,
      patterns: found.map(one => one.pattern),
      value,
      pattern: pattern && { ...pattern, map: mapOf(headOf(pattern.tensor, pattern.head)) },
    }
  })
  const { places, shown, note, leading, patterns, value, pattern } = result
  return {
    path: request.path,
    values: places,
    ...(note ? { note } : {}),
    ...(shown === undefined ? {} : { shown }),
    leading,
    ...(value ? { statistics: sentStatistics(value.statistics), map: sentMap(value.map) } : {}),
    patterns,
    ...(pattern ? { pattern: { node: pattern.node, head: pattern.head, map: sentMap(pattern.map) } } : {}),
  }
}

/** All values of a row of the map. */
export async function viewRow(traced: Traced, inputs: Inputs, request: RowRequest): Promise<Row> {
  const row = await recorded(traced, inputs, request.template, async model => {
    const { binding } = handleOf(model)!
    const { readings, main } = readingsOf(binding, resolvePath(binding.taps.tree.root, request.path))
    const reading = readings[request.value ?? main]
    if (!reading) throw unreadable(`${request.path} has no such value.`, 'choose another')
    const tensor = await withKnownDims(reading.tensor)
    const matrix = matrixOf(
      tensor,
      leadingOf(tensor, request.leading).map(({ at }) => at),
    )
    const rows = matrix.dims[0] as number
    if (request.row >= rows) throw unreadable(`There is no row ${request.row}: there are ${rows}.`, 'choose another')
    return matrix.select(0, request.row)
  })
  return { values: plain(row.tolist()) as Cell[] }
}

function chosenPattern(
  found: ReturnType<typeof patternsIn>,
  asked: ModuleRequest['pattern'],
): { node: string; head: number; tensor: Tensor } | undefined {
  const [first] = found
  if (!first) return undefined
  const { pattern, tensor } = found.find(one => one.pattern.node === asked?.node) ?? first
  return { node: pattern.node, head: Math.min(asked?.head ?? 0, pattern.heads - 1), tensor }
}
