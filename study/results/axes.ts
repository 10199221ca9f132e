import { ArgumentError, showDims } from '../../runtime/errors/tensor.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'

/** One axis of a result: what lies along it, and a label for each of its places. */
export interface Axis {
  /** `layer`, `position`, `head`, `component` … */
  readonly name: string
  /** A label for each place, in order: the name of a layer, the token at a position. */
  readonly labels: readonly string[]
}

/** Labels `0`, `1` … of an axis whose places have only numbers. */
export function numbered(name: string, length: number): Axis {
  return { name, labels: Array.from({ length }, (_, i) => String(i)) }
}

/** A tensor with the meaning of its axes. @throws ArgumentError if the labels are not as many as the places */
export interface Labelled {
  readonly tensor: Tensor
  readonly axes: readonly Axis[]
}

/** Numbers of a tensor of rank 2; one of rank 1 is a single row. */
export function matrixOf({ tensor, axes }: Labelled): number[][] {
  const lengths = axes.map(({ labels }) => labels.length)
  if (showDims(tensor.dims) !== showDims(lengths))
    throw new ArgumentError(`Axes of ${showDims(lengths)} places label a tensor of dims ${showDims(tensor.dims)}.`)
  const nested = tensor.tolist() as number[] | number[][]
  return (axes.length === 1 ? [nested] : nested) as number[][]
}
