import { SweepError } from '../runtime/errors/sweep.ts'
import type { InterventionGraph } from '../runtime/model/intervention.ts'
import type { SweepOptions } from './options.ts'
import { type Made, recordPoint } from './record.ts'
import { type Grid, keyOf, type PointOf } from './rows/points.ts'
import type { SweepRow } from './rows/row.ts'

/** A row, and whether this call computed it. */
export interface FoundRow {
  readonly row: SweepRow
  readonly isNew: boolean
}

/** The rows that a table has from before. */
export class KeptRows {
  readonly #rows: ReadonlyMap<string, SweepRow>
  readonly #made: Made
  readonly #file: string
  #isChecked = false

  constructor(rows: readonly SweepRow[], made: Made, file: string) {
    this.#rows = new Map(rows.map(row => [keyOf(row.point), row]))
    this.#made = made
    this.#file = file
  }

  /** The row of a point; undefined if it is to run. @throws SweepError if another model, edit or measure made it */
  async at<G extends Grid>(options: SweepOptions<G>, point: PointOf<G>, index: number): Promise<SweepRow | undefined> {
    const row = this.#rows.get(keyOf(point))
    if (!row || (row.error !== undefined && options.retry)) return undefined
    if (row.run && !this.#isChecked) {
      this.#isChecked = true
      await assertSame(options, point, row, this.#made, this.#file)
    }
    return { ...row, index }
  }
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
