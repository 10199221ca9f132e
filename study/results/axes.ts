import { setAxes } from '../../runtime/tensor/axes.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'

/** One axis of a result: what lies along it, and a label for each of its places. */
export interface LabelledAxis {
  /** `layer`, `token`, `head`, `component` … */
  readonly name: string
  /** A label for each place, in order: the number of a layer, the token at a position. */
  readonly labels: readonly string[]
}

/** Labels `0`, `1` … of an axis whose places have only numbers. */
export function numbered(name: string, length: number): LabelledAxis {
  return { name, labels: Array.from({ length }, (_, i) => String(i)) }
}

/** Numbers of each layer's heads as a table: layers with fewer heads than others end with NaN, and there is one column at least. */
export function byHead(rows: readonly (readonly number[])[]): number[][] {
  const most = Math.max(1, ...rows.map(({ length }) => length))
  return rows.map(row => Array.from({ length: most }, (_, head) => row[head] ?? Number.NaN))
}

/** Says what the axes of a tensor stand for: it prints with them, and `tensor.axes` has them. Axes after these have no name. */
export function labelled(tensor: Tensor, axes: readonly LabelledAxis[]): Tensor {
  setAxes(tensor, [...axes, ...tensor.dims.slice(axes.length).map(() => ({ name: undefined }))])
  return tensor
}
