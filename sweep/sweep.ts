import { OnnsightError } from '../runtime/errors/error.ts'
import { SweepError } from '../runtime/errors/sweep.ts'
import { version } from '../runtime/errors/version.ts'
import type { InterventionGraph } from '../runtime/model/intervention.ts'
import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { LoadedModel } from '../runtime/model/loaded/loaded-model.ts'
import type { Model } from '../runtime/model/model.ts'
import { modelHash } from '../runtime/onnx/reading/model-hash.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import type { Template } from '../runtime/tracing/blocks/block.ts'
import { asTraceable } from '../runtime/tracing/traceable.ts'
import { countOf, type Grid, keyOf, type Point, type PointOf, pointsOf } from './rows/points.ts'
import type { SweepRow } from './rows/row.ts'
import { measured } from './run-graph.ts'
import { Swept } from './swept.ts'
import { TableFile } from './tables/table-file.ts'

/** How far a sweep is. */
export interface SweepProgress {
  readonly done: number
  /** The number of points; undefined if they come from an iterator. */
  readonly total: number | undefined
  readonly failed: number
  readonly secondsLeft: number | undefined
}

/** A sweep: points, and what is done at each. */
export interface SweepOptions<G extends Grid = Grid> {
  readonly model: Model
  /** The values of each axis, of which every combination is a point; or the points themselves, also from an iterator. A seed is an axis too. */
  readonly over: G | Iterable<PointOf<G>> | AsyncIterable<PointOf<G>>
  /** The model’s inputs, or a function that gives those of a point. @default the point’s `prompt` */
  readonly inputs?: Inputs | ((point: PointOf<G>) => Inputs)
  /** Changes the model, as in a trace. */
  readonly edit?: (model: Model, point: PointOf<G>) => void | Promise<void>
  /** Returns what to measure, as in a trace: a tensor of one number, or several by name. */
  readonly measure?: (model: Model, point: PointOf<G>) => unknown
  /** A template in the place of `edit` and `measure`: what it saves is measured. */
  readonly template?: (point: PointOf<G>) => Template
  /** The file of the table, .csv, .jsonl, .arrow or .parquet, which grows row by row. If it is there, its points are not run again. */
  readonly out?: string
  /** Called after each point; ends the sweep if it returns true. */
  readonly stop?: (rows: readonly SweepRow[]) => boolean
  /** Whether points that failed before are run again. @default false */
  readonly retry?: boolean
  readonly onProgress?: (progress: SweepProgress) => void
  readonly signal?: AbortSignal
}

export const SWEEP_OPTIONS = [
  ...['model', 'over', 'inputs', 'edit', 'measure', 'template', 'out', 'stop', 'retry', 'onProgress', 'signal'],
] as const

/**
 * Runs an edit and a measure at many points, and gives a table. A point that fails is a row with its error. Each row holds its intervention graph and
 * the model’s hash, from which it can be computed again. @throws SweepError
 * @example
 * await sweep({ model, over: { layer: [0, 1, 2] }, inputs: ids, edit: (m, { layer }) => skip(m.transformer.h[layer]),
 *   measure: m => m.lm_head.output.max(), out: 'layers.csv' })
 */
export async function sweep<const G extends Grid>(options: SweepOptions<G>): Promise<Swept> {
  const known = knownOptions<SweepOptions<G>>('sweep()', options, SWEEP_OPTIONS)
  const { model, over, measure, template, out, stop, retry = false, onProgress, signal } = known
  if (typeof (template ?? measure) !== 'function')
    throw new SweepError('The sweep has no measure.', 'pass one: measure: m => m.lm_head.output.mean()')
  const made = await madeOf(model)
  const table = out === undefined ? undefined : await TableFile.open(out)
  const kept = new Map((table?.rows ?? []).map(row => [keyOf(row.point), row]))
  const rows: SweepRow[] = []
  const total = countOf(over)
  const start = performance.now()
  let ran = 0
  let isChecked = kept.size === 0
  let index = 0
  let isStopped = false
  for await (const point of pointsOf(over)) {
    signal?.throwIfAborted()
    const before = kept.get(keyOf(point))
    let row = before && (before.error === undefined || !retry) ? { ...before, index } : undefined
    if (row?.run && !isChecked) {
      await assertSame(known, point as PointOf<G>, row, made, out!)
      isChecked = true
    }
    if (!row) {
      row = await rowOf(known, point as PointOf<G>, index, made)
      ran++
      await table?.add(row)
    }
    rows.push(row)
    index++
    const each = (performance.now() - start) / 1000 / Math.max(1, ran)
    onProgress?.({
      done: index,
      total,
      failed: rows.filter(({ error }) => error !== undefined).length,
      secondsLeft: total === undefined ? undefined : each * (total - index),
    })
    if (!stop?.(rows)) continue
    isStopped = index !== total
    break
  }
  await table?.finish(rows)
  return new Swept(rows, isStopped)
}

type Made = Omit<NonNullable<SweepRow['run']>, 'graph'>

export async function madeOf(model: Model): Promise<Made> {
  const { path } = (asTraceable(model, 'sweep').identity as LoadedModel).source
  return { model: await modelHash(path), versions: { onnsight: version, node: process.versions.node } }
}

/** Records a point: its edit and its measure on its inputs. */
export async function recordPoint<G extends Grid>(
  { model, inputs, edit, measure, template }: SweepOptions<G>,
  point: PointOf<G>,
): Promise<InterventionGraph> {
  const own = typeof inputs === 'function' ? inputs(point) : (inputs ?? ((point as Point).prompt as Inputs | undefined))
  if (own === undefined)
    throw new SweepError('The sweep has no inputs.', 'pass inputs, or give the points a prompt: over: { prompt: […] }')
  if (template) return model.record(own, template(point))
  return model.record(own, async traced => {
    await edit?.(traced, point)
    return measure!(traced, point)
  })
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

/** The error in one line, with its code. */
export function errorText(error: unknown): string {
  const [message] = (error instanceof Error ? error.message : String(error)).split('\n')
  return error instanceof OnnsightError ? `${error.code}: ${message}` : message
}

/** @throws SweepError if a row that is kept was made by another model, edit or measure */
async function assertSame<G extends Grid>(
  options: SweepOptions<G>,
  point: PointOf<G>,
  { run }: SweepRow,
  made: Made,
  out: string,
): Promise<void> {
  const other = (what: string): SweepError =>
    new SweepError(`${out} holds a sweep with another ${what}.`, 'name another file, or delete this one to begin anew')
  if (run!.model !== made.model) throw other('model')
  const text = (graph: InterventionGraph): string =>
    JSON.stringify(graph, (key, value: unknown) => (key === 'at' ? undefined : value))
  if (text(await recordPoint(options, point)) !== text(run!.graph)) throw other('edit, measure or inputs')
}
