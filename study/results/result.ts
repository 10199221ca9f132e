import type { Chart } from '../pictures/chart.ts'
import { display } from '../pictures/display.ts'
import { type Plot, plotOf } from '../pictures/plot.ts'
import { printed, type Table } from './table.ts'

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** The result of a study: tensors with labelled axes, which are printed as a table and can be drawn. */
export abstract class StudyResult {
  /** The numbers as a table. */
  abstract table(): Table

  /** The Vega-Lite specification that `plot()` draws, without the size of a page. */
  protected abstract chart(): Chart

  /**
   * Draws the result with `vega` and `vega-lite`, which are loaded only now: `(await result.plot()).save('lens.svg')`. Its cells' titles have
   * the numbers. Notebooks show the picture in place.
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

  /** The picture in a notebook; the table if the drawing library is not installed. */
  async [display](): Promise<Record<string, string>> {
    const text = { 'text/plain': this.toString() }
    try {
      return { ...(await this.plot())[display](), ...text }
    } catch {
      return text
    }
  }
}
