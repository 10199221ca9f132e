import { tensor } from '../../runtime/tensor/functions.ts'
import { grad } from '../../runtime/tensor/ops/gradient.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { Subject } from './subject.ts'

/** What a weighted sum over many variants of one input gives. */
export interface RowSums {
  /** The weighted sum of the gradients, and the unchanged value of the place, without the axis of rows. */
  readonly gradient: Tensor
  readonly state: Tensor
  /** The metric of each variant. */
  readonly measured: readonly number[]
}

/**
 * Runs variants of an input as rows of batches, and adds up their gradients with weights.
 * @param change gives the place's values `[row, …]` of the variants `first` … from its unchanged ones
 */
export async function sumOverRows(
  subject: Subject,
  weights: readonly number[],
  rows: number,
  change: (state: Tensor, first: number, rows: number) => Tensor,
): Promise<RowSums> {
  let total: Tensor | undefined
  let state: Tensor | undefined
  const measured: number[] = []
  for (let first = 0; first < weights.length; first += rows) {
    // All batches have as many rows, so that one plan serves them. The weights of surplus rows are 0.
    const own = Array.from({ length: rows }, (_, row) => weights[first + row] ?? 0)
    const found = await subject.trace(rows, () => {
      const site = subject.site()
      const now = site.read()
      const changed = change(now.to('float32'), first, rows).to(now.type)
      site.write(changed)
      const values = subject.measured()
      const gradients = grad(values.sum(), changed).to('float32')
      return { sum: gradients.mul(perRow(own, now)).sum(0), state: now.select(0, 0).to('float32'), values }
    })
    total = total ? await total.add(found.sum).value() : found.sum
    state = found.state
    measured.push(...(found.values.tolist() as number[]))
  }
  return { gradient: total!, state: state!, measured: measured.slice(0, weights.length) }
}

/** One number for each row, with dims that broadcast to a place's. */
export function perRow(numbers: readonly number[], place: Tensor): Tensor {
  return tensor([...numbers], [numbers.length, ...place.dims.slice(1).map(() => 1)])
}
