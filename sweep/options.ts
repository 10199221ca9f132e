import type { Inputs } from '../runtime/model/loaded/inputs.ts'
import type { Model } from '../runtime/model/model.ts'
import type { Template } from '../runtime/tracing/blocks/block.ts'
import type { Grid, PointOf } from './rows/points.ts'
import type { SweepRow } from './rows/row.ts'

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
  /** A queue of workers that run the points, `redis://host:6379`. They need to reach the model by its path, address or hash. */
  readonly queue?: string
  /** With a queue: jobs of a smaller number come first, and those without one before all. */
  readonly priority?: number
  /** With a queue: how often a point is tried. @default 3 */
  readonly attempts?: number
  readonly onProgress?: (progress: SweepProgress) => void
  readonly signal?: AbortSignal
}

export const SWEEP_OPTIONS = [
  ...[
    'model',
    'over',
    'inputs',
    'edit',
    'measure',
    'template',
    'out',
    'stop',
    'retry',
    'queue',
    'priority',
    'attempts',
    'onProgress',
    'signal',
  ],
] as const
