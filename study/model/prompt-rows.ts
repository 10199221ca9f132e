import { pickRows } from '../../runtime/generate/pick-rows.ts'
import { SHARED_BY_ROWS } from '../../runtime/language-inputs/roles.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'

type NamedInputs = Readonly<Record<string, Tensor>>

/** One row of a batch's inputs. Inputs without a row for each prompt stay as they are. */
export function rowOf(inputs: NamedInputs, row: number, rows: number): Record<string, Tensor> {
  return picked(inputs, rows, [row])
}

/** The inputs of one prompt, repeated in `copies` equal rows. */
export function copiesOf(inputs: NamedInputs, copies: number): Record<string, Tensor> {
  return picked(inputs, 1, new Array<number>(copies).fill(0))
}

function picked(inputs: NamedInputs, rows: number, chosen: readonly number[]): Record<string, Tensor> {
  const entries = Object.entries(inputs).map(
    ([name, tensor]) =>
      [name, tensor.dims[0] === rows && !SHARED_BY_ROWS.test(name) ? pickRows(tensor, 0, chosen) : tensor] as const,
  )
  return Object.fromEntries(entries)
}
