import type { Chart } from '../pictures/chart.ts'
import { display } from '../pictures/display.ts'
import { type Plot, plotOf } from '../pictures/plot.ts'
import { printed, type Table } from './table.ts'

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** What every study returns: tensors with labelled axes, which print as a table and can be drawn. */
export abstract class StudyResult {
  /** The numbers as a table. */
  abstract table(): Table

  /** What `plot()` draws, as a Vega-Lite specification without the size of a page. */
  protected abstract chart(): Chart

  /**
   * Draws the result, by `vega` and `vega-lite`, which are loaded only now: `(await result.plot()).save('lens.svg')`. The picture has the
   * numbers in its cells' titles, and is shown in place in notebooks.
   * @throws MissingPackageError if they are not installed
   */
  plot(): Promise<Plot> {
    return plotOf(this.chart(), this.toString())
  }

  /** The table as text. */
  toString(): string {
    return printed(this.table())
  }

  [INSPECT](): string {
    return this.toString()
  }

  /** The picture in a notebook; the table where the drawing library is not installed. */
  async [display](): Promise<Record<string, string>> {
    const text = { 'text/plain': this.toString() }
    try {
      return { ...(await this.plot())[display](), ...text }
    } catch {
      return text
    }
  }
}
