import { toJson } from '../../cli/outputs/to-json.ts'
import { type Inputs, type Tensor, where } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { resolvePath } from '../../runtime/names/resolve.ts'
import { type Cell, ROW_VALUES, type Row, type RowRequest, type ValuePlace } from '../protocol/api.ts'
import { unreadable } from '../server/refusal.ts'
import { type BatchRow, layoutOf, matrixOf } from './map.ts'
import { asFloats, isNumeric } from './statistics.ts'
import { assertValidTemplate, type TraceTarget, traceWithTemplate } from './template-trace.ts'
import { readingsOf, withKnownDims } from './values.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Reads a part of a row or column of the map, which may be too long to send at once. */
export async function viewLine(
  target: TraceTarget,
  inputs: Inputs,
  request: RowRequest,
  batch: BatchRow,
  vocabulary: Vocabulary,
): Promise<Row> {
  const sent = (read: Awaited<ReturnType<typeof readLine>>): Row => {
    const row = sentLine(read, request)
    const isLogits = request.line.axis === 'row' && vocabulary.isLogits(read.place)
    return isLogits ? { ...row, tokens: row.indices.map(vocabulary.tokenOf) } : row
  }
  if (!request.isCompared) return sent(await readLine(target, inputs, request, batch))
  assertValidTemplate(request.template!)
  const unedited = await readLine(target, inputs, { ...request, template: undefined }, batch)
  return sent(await readLine(target, inputs, request, batch, unedited.line))
}

function readLine(
  target: TraceTarget,
  inputs: Inputs,
  request: RowRequest & { readonly template?: string | undefined },
  batch: BatchRow,
  unedited?: Tensor,
) {
  const { from = 0, order = 'place' } = request
  return traceWithTemplate(target, inputs, request.template, async model => {
    const { line, place } = await lineOf(model, request, batch)
    const count = line.dims[0] as number
    if (from >= count) throw unreadable(`There is no value ${from}: there are ${count}.`, 'choose an earlier value')
    const length = Math.min(ROW_VALUES, count - from)
    const difference = unedited && isNumeric(line) ? asFloats(line).sub(asFloats(unedited)) : undefined
    const size = isNumeric(line) ? asFloats(difference ?? line).abs() : undefined
    // NaN comes first, because users look for it.
    const ranking = order === 'place' || !size ? undefined : order === 'magnitude' ? size : asFloats(difference ?? line)
    const ranked = ranking && where(ranking.isnan(), Number.POSITIVE_INFINITY, ranking)
    const indices = ranked?.topk(from + length).indices.narrow(0, from, length)
    const part = (tensor: Tensor): Tensor => (indices ? tensor.indexSelect(0, indices) : tensor.narrow(0, from, length))
    return {
      place,
      line: request.isCompared && !unedited ? line : undefined,
      count,
      indices,
      values: part(line),
      unedited: unedited && part(unedited),
      difference: difference && part(difference),
      largest: size && where(size.isfinite(), size, 0).amax(),
    }
  })
}

async function lineOf(
  model: Parameters<typeof handleOf>[0],
  { path, node, value, line: { axis, at }, ...layout }: RowRequest,
  batch: BatchRow,
): Promise<{ readonly line: Tensor; readonly place: ValuePlace }> {
  const { binding } = handleOf(model)!
  const { readings, main } = readingsOf(binding, resolvePath(binding.taps.tree.root, path), node)
  const reading = readings[value ?? main]
  if (!reading) throw unreadable(`${path} has no such value.`, 'choose another value')
  const tensor = await withKnownDims(reading.tensor)
  const matrix = matrixOf(tensor, layoutOf(tensor, layout, batch))
  const dim = axis === 'row' ? 0 : 1
  const count = matrix.dims[dim] as number
  if (at >= count) throw unreadable(`There is no ${axis} ${at}: there are ${count}.`, `choose another ${axis}`)
  return { line: matrix.select(dim, at), place: reading.place }
}

function sentLine(read: Awaited<ReturnType<typeof readLine>>, { from = 0 }: RowRequest): Row {
  const { count, indices, values, unedited, difference, largest } = read
  const cells = (tensor: Tensor): Cell[] => toJson(tensor.tolist()) as Cell[]
  return {
    count,
    from,
    indices: indices
      ? (indices.tolist() as (number | bigint)[]).map(Number)
      : Array.from({ length: values.dims[0] as number }, (_, i) => from + i),
    values: cells(values),
    largest: largest ? Number(largest.item()) : 0,
    ...(unedited
      ? { compared: { unedited: cells(unedited), ...(difference ? { difference: cells(difference) } : {}) } }
      : {}),
  }
}
