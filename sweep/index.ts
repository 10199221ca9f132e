/** The exports of `onnsight/sweep`: an edit and a measure at many points, as a table. */

export type { SweepOptions, SweepProgress } from './options.ts'
export type { Grid, Point, PointOf } from './rows/points.ts'
export type { Run, SweepRow } from './rows/row.ts'
export { sweep } from './sweep.ts'
export { readSweep, Swept } from './swept.ts'
