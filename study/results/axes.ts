import { setAxes } from '../../runtime/tensor/axes.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'

/** One axis of a result: its name, and a label for each of its places. */
export interface LabelledAxis {
  /** `layer`, `token`, `head`, `component` … */
  readonly name: string
  /** A label for each place, in order: the number of a layer, the token at a position. */
  readonly labels: readonly string[]
}

/** An axis whose places are numbered, with the labels `0`, `1` … */
export function numbered(name: string, length: number): LabelledAxis {
  return { name, labels: Array.from({ length }, (_, i) => String(i)) }
}

/** A table of the heads' numbers, with a row for each layer. Rows of layers with fewer heads end with NaN. There is at least one column. */
export function byHead(rows: readonly (readonly number[])[]): number[][] {
  const most = Math.max(1, ...rows.map(({ length }) => length))
  return rows.map(row => Array.from({ length: most }, (_, head) => row[head] ?? Number.NaN))
}

/** Sets what the axes of a tensor stand for, which it prints, and which `tensor.axes` has. Axes after the given ones have no name. */
export function labelled(tensor: Tensor, axes: readonly LabelledAxis[]): Tensor {
  setAxes(tensor, [...axes, ...tensor.dims.slice(axes.length).map(() => ({ name: undefined }))])
  return tensor
}
