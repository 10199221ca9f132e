import { SweepError } from '../runtime/errors/sweep.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { type FoundRow, KeptRows } from './kept.ts'
import { SWEEP_OPTIONS, type SweepOptions } from './options.ts'
import { queuedRows } from './queued.ts'
import { errorText, type Made, madeOf, recordPoint } from './record.ts'
import { countOf, type Grid, type PointOf, pointsOf } from './rows/points.ts'
import type { SweepRow } from './rows/row.ts'
import { measured } from './run-graph.ts'
import { Swept } from './swept.ts'
import { TableFile } from './tables/table-file.ts'

/**
 * Runs an edit and a measure at many points, and gives a table. A point that fails is a row with its error. Each row holds its intervention graph and
 * the model’s hash, from which it can be computed again. @throws SweepError
 * @example
 * await sweep({ model, over: { layer: [0, 1, 2] }, inputs: ids, edit: (m, { layer }) => skip(m.transformer.h[layer]),
 *   measure: m => m.lm_head.output.max(), out: 'layers.csv' })
 */
export async function sweep<G extends Grid>(options: SweepOptions<G>): Promise<Swept> {
  const known = knownOptions<SweepOptions<G>>('sweep()', options, SWEEP_OPTIONS)
  const { model, over, measure, template, out, stop, queue, onProgress } = known
  if (typeof (template ?? measure) !== 'function')
    throw new SweepError('The sweep has no measure.', 'pass one: measure: m => m.lm_head.output.mean()')
  const made = await madeOf(model)
  const table = out === undefined ? undefined : await TableFile.open(out)
  const kept = new KeptRows(table?.rows ?? [], made, out ?? '')
  const rows: SweepRow[] = []
  const total = countOf(over)
  const start = performance.now()
  let ran = 0
  let isStopped = false
  const results = queue === undefined ? rowsHere(known, kept, made) : queuedRows(known, kept, made)
  for await (const { row, isNew } of results) {
    if (isNew) {
      ran++
      await table?.add(row)
    }
    rows.push(row)
    const each = (performance.now() - start) / 1000 / Math.max(1, ran)
    onProgress?.({
      done: rows.length,
      total,
      failed: rows.filter(({ error }) => error !== undefined).length,
      secondsLeft: total === undefined ? undefined : each * (total - rows.length),
    })
    if (!stop?.(rows)) continue
    isStopped = rows.length !== total
    break
  }
  const ordered = rows.toSorted((a, b) => a.index - b.index)
  await table?.finish(ordered)
  return new Swept(ordered, isStopped)
}

/** The rows of the points in their order: those that are kept, and those that run here. */
async function* rowsHere<G extends Grid>(
  options: SweepOptions<G>,
  kept: KeptRows,
  made: Made,
): AsyncGenerator<FoundRow> {
  let index = 0
  for await (const point of pointsOf(options.over)) {
    options.signal?.throwIfAborted()
    const before = await kept.at(options, point as PointOf<G>, index)
    yield before
      ? { row: before, isNew: false }
      : { row: await rowOf(options, point as PointOf<G>, index, made), isNew: true }
    index++
  }
}

/** Runs a point. A failure becomes a row too; only the end of the sweep by its signal is thrown. */
async function rowOf<G extends Grid>(
  options: SweepOptions<G>,
  point: PointOf<G>,
  index: number,
  made: Made,
): Promise<SweepRow> {
  const start = performance.now()
  let run: SweepRow['run']
  const seconds = (): number => (performance.now() - start) / 1000
  try {
    run = { ...made, graph: await recordPoint(options, point) }
    const values = await measured(options.model, run.graph, options.signal)
    return { index, point, values, seconds: seconds(), run }
  } catch (error) {
    options.signal?.throwIfAborted()
    return { index, point, values: {}, error: errorText(error), seconds: seconds(), ...(run ? { run } : {}) }
  }
}
