import type { InterventionGraph } from '../../runtime/model/intervention.ts'
import type { Point } from './points.ts'

/** What a row’s values come from: enough to compute them again. */
export interface Run {
  /** The SHA-256 of the model. */
  readonly model: string
  /** The versions of the programs that ran it. */
  readonly versions: Readonly<Record<string, string>>
  /** The edit, the measure and the inputs, as data. */
  readonly graph: InterventionGraph
}

/** A row of a sweep’s table. */
export interface SweepRow {
  /** The number of the point, from 0. */
  readonly index: number
  readonly point: Point
  /** What was measured, by name; empty if it failed. */
  readonly values: Readonly<Record<string, number>>
  /** Why the point failed. */
  readonly error?: string
  /** The seconds that it took. */
  readonly seconds: number
  /** What the values come from; undefined if the block could not be recorded. */
  readonly run?: Run
}

/** The columns beside the axes and the measures. */
export const OWN_COLUMNS = ['index', 'error', 'seconds', 'run'] as const
