import { toJson } from '../../cli/outputs/to-json.ts'
import { type Inputs, type Tensor, where } from '../../runtime/index.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import { resolvePath } from '../../runtime/names/resolve.ts'
import type { Cell, Row, RowRequest } from '../protocol/api.ts'
import { unreadable } from '../server/refusal.ts'
import { type BatchRow, leadingOf, matrixOf } from './map.ts'
import { asFloats, isNumeric } from './statistics.ts'
import { assertReadable, recorded, type Traced } from './traced.ts'
import { readingsOf, withKnownDims } from './values.ts'

/** Values that are sent at once. */
const PAGE = 128

/** Some values of a row or a column of the map: lines may be as long as they like. */
export async function viewLine(traced: Traced, inputs: Inputs, request: RowRequest, batch: BatchRow): Promise<Row> {
  if (!request.isCompared) return sentLine(await readLine(traced, inputs, request, batch), request)
  assertReadable(request.template!)
  const unedited = await readLine(traced, inputs, { ...request, template: undefined }, batch)
  return sentLine(await readLine(traced, inputs, request, batch, unedited.line), request)
}

function readLine(
  traced: Traced,
  inputs: Inputs,
  request: RowRequest & { readonly template?: string | undefined },
  batch: BatchRow,
  unedited?: Tensor,
) {
  const { from = 0, order = 'place' } = request
  return recorded(traced, inputs, request.template, async model => {
    const line = await lineOf(model, request, batch)
    const count = line.dims[0] as number
    if (from >= count) throw unreadable(`There is no value ${from}: there are ${count}.`, 'choose an earlier one')
    const length = Math.min(PAGE, count - from)
    const difference = unedited && isNumeric(line) ? asFloats(line).sub(asFloats(unedited)) : undefined
    const size = isNumeric(line) ? asFloats(difference ?? line).abs() : undefined
    // What is no number comes first: it is what one looks for.
    const ranked = order === 'magnitude' && size ? where(size.isnan(), Number.POSITIVE_INFINITY, size) : undefined
    const places = ranked?.topk(from + length).indices.narrow(0, from, length)
    const seen = (tensor: Tensor): Tensor => (places ? tensor.indexSelect(0, places) : tensor.narrow(0, from, length))
    return {
      line: request.isCompared && !unedited ? line : undefined,
      count,
      places,
      values: seen(line),
      unedited: unedited && seen(unedited),
      difference: difference && seen(difference),
      largest: size && where(size.isfinite(), size, 0).amax(),
    }
  })
}

async function lineOf(
  model: Parameters<typeof handleOf>[0],
  { path, value, leading, line: { axis, at } }: RowRequest,
  batch: BatchRow,
): Promise<Tensor> {
  const { binding } = handleOf(model)!
  const { readings, main } = readingsOf(binding, resolvePath(binding.taps.tree.root, path))
  const reading = readings[value ?? main]
  if (!reading) throw unreadable(`${path} has no such value.`, 'choose another')
  const tensor = await withKnownDims(reading.tensor)
  const places = leadingOf(tensor, leading, batch).map(one => one.at)
  const matrix = matrixOf(tensor, places)
  const dim = axis === 'row' ? 0 : 1
  const count = matrix.dims[dim] as number
  if (at >= count) throw unreadable(`There is no ${axis} ${at}: there are ${count}.`, 'choose another')
  return matrix.select(dim, at)
}

function sentLine(read: Awaited<ReturnType<typeof readLine>>, { from = 0 }: RowRequest): Row {
  const { count, places, values, unedited, difference, largest } = read
  const cells = (tensor: Tensor): Cell[] => toJson(tensor.tolist()) as Cell[]
  return {
    count,
    from,
    places: places
      ? (places.tolist() as (number | bigint)[]).map(Number)
      : Array.from({ length: values.dims[0] as number }, (_, i) => from + i),
    values: cells(values),
    largest: largest ? Number(largest.item()) : 0,
    ...(unedited
      ? { compared: { unedited: cells(unedited), ...(difference ? { difference: cells(difference) } : {}) } }
      : {}),
  }
}
