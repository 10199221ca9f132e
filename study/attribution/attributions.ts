import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { bars, type Chart, heatMap, lines } from '../pictures/chart.ts'
import { overImage } from '../pictures/over-image.ts'
import { type LabelledAxis, labelled } from '../results/axes.ts'
import { StudyResult } from '../results/result.ts'
import { short, type Table, visible } from '../results/table.ts'

/** The attributions of one input, as a method found them. */
export interface Found {
  /** `Integrated gradients`. */
  readonly method: string
  readonly metric: string
  /** One attribution for each element of the place, without its row. */
  readonly elements: Tensor
  /** One number for each position. */
  readonly values: Tensor
  readonly axes: readonly LabelledAxis[]
  /** The image that the place is: one shade for each pixel. */
  readonly image?: readonly (readonly number[])[]
  /** The metric on the input. */
  readonly value: number
  /** For integrated gradients: the metric on the baseline, and the sum of all attributions. */
  readonly completeness?: { readonly baseline: number; readonly sum: number }
}

/** The longest axis whose positions are drawn as bars. */
const MOST_BARS = 60

/** How much each token, pixel or frame has a share in a metric. */
export class Attributions extends StudyResult {
  /** The axes of `values`: `token`; `row` and `column` of an image; `frame`. */
  readonly axes: readonly LabelledAxis[]
  /** One number for each position. */
  readonly values: Tensor
  /** One number for each element of the place. */
  readonly elements: Tensor
  /** The metric on the input. */
  readonly value: number
  /** The metric on the baseline; undefined for a method without one. */
  readonly baseline: number | undefined
  /** The sum of all attributions, which should be `value` − `baseline`; undefined for a method without a baseline. */
  readonly sum: number | undefined
  readonly #found: Found

  constructor(found: Found) {
    super()
    this.axes = found.axes
    this.elements = found.elements
    this.values = labelled(found.values, found.axes)
    this.value = found.value
    this.baseline = found.completeness?.baseline
    this.sum = found.completeness?.sum
    this.#found = found
  }

  /** How far the sum of the attributions is from `value` − `baseline`: 0 if they are complete. More steps bring it down. */
  get error(): number | undefined {
    return this.sum === undefined || this.baseline === undefined ? undefined : this.sum - (this.value - this.baseline)
  }

  #title(): string {
    return `${this.#found.method}: the ${this.#found.metric}`
  }

  #note(): string {
    if (this.sum === undefined || this.baseline === undefined) return `${this.#found.metric}: ${short(this.value)}.`
    const moved = short(this.value - this.baseline)
    return `${this.#found.metric}: ${short(this.value)}, on the baseline ${short(this.baseline)}; the attributions sum to ${short(this.sum)} of ${moved}.`
  }

  #rows(): readonly (readonly number[])[] {
    const nested = this.values.tolist() as number[] | number[][]
    return this.axes.length === 1 ? (nested as number[]).map(value => [value]) : (nested as number[][])
  }

  table(): Table {
    const [down, across] = this.axes
    return {
      title: this.#title(),
      corner: down.name,
      columns: across?.labels ?? ['attribution'],
      rows: this.#rows().map((row, i) => ({ label: visible(down.labels[i]), cells: row.map(short) })),
      notes: [this.#note()],
    }
  }

  protected chart(): Chart {
    const [down, across] = this.axes
    const title = this.#title()
    const subtitle = this.#note()
    const measure = 'attribution'
    const labels = down.labels.map(visible)
    const { image } = this.#found
    if (across && image) {
      const names = [down.name, across.name] as const
      return overImage({ title, subtitle, image, values: this.#rows(), measure, names })
    }
    if (across) return heatMap({ title, subtitle, across, down, values: this.#rows(), measure })
    const values = this.#rows().flat()
    if (values.length <= MOST_BARS) return bars({ title, subtitle, name: down.name, labels, values, measure })
    const series = [{ name: measure, values }]
    return lines({ title, subtitle, across: { name: down.name, values: down.labels.map(Number) }, series, measure })
  }
}
