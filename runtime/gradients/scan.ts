import { LinkedValue, Value } from '../graph/expression.ts'
import { dimsOf, newHandle, record, stateOf, type Tensor } from '../tensor/tensor.ts'

/** What a step of a scan gives: the states after it, and values of the step, which are kept for all steps. */
export interface Step {
  readonly states: readonly Tensor[]
  readonly kept: readonly Tensor[]
}

interface Scan {
  /** The states before the first step. */
  readonly states: readonly Tensor[]
  /** What each step gets a row of, along axis 0. */
  readonly rows: readonly Tensor[]
  /** What every step reads as it is. */
  readonly shared: readonly Tensor[]
  /** Whether the last row comes first. Rows that are kept lie in the order of `rows` all the same. */
  readonly isReversed: boolean
}

/**
 * Runs a step for each row, one after the other, by ONNX's Scan. Returns the states after the last step, and for each value that the steps
 * keep, its rows along a first axis. The step is called once, to record it.
 */
export function scan(
  { states, rows, shared, isReversed }: Scan,
  step: (states: readonly Tensor[], rows: readonly Tensor[], shared: readonly Tensor[]) => Step,
): Step {
  const given = [...states, ...shared, ...rows]
  // What is shared is a state that stays as it is: a body that reads values from outside would hide them from the linker.
  const inputs = given.map((tensor, i) => {
    const dims = dimsOf(tensor)
    const isRow = i >= states.length + shared.length
    return newHandle(new Value(new LinkedValue(`x${i}`), 0, tensor.type, isRow ? dims?.slice(1) : dims))
  })
  const ownStates = inputs.slice(0, states.length)
  const ownShared = inputs.slice(states.length, -rows.length)
  const after = step(ownStates, inputs.slice(-rows.length), ownShared)
  const values = (tensors: readonly Tensor[]): Value[] => tensors.map(tensor => stateOf(tensor).value)
  const body = { inputs: values(inputs), outputs: values([...after.states, ...ownShared, ...after.kept]) }
  const directions = (count: number) => ({ ints: new Array<number>(count).fill(isReversed ? 1 : 0) })
  const length = dimsOf(rows[0])?.[0]
  const results = record(
    'Scan',
    given,
    [
      ...[...states, ...shared].map(tensor => ({ type: tensor.type, dims: dimsOf(tensor) })),
      ...after.kept.map(tensor => ({ type: tensor.type, dims: dimsOf(tensor) && [length, ...dimsOf(tensor)!] })),
    ],
    {
      num_scan_inputs: { int: rows.length },
      scan_input_directions: directions(rows.length),
      scan_output_directions: directions(after.kept.length),
      body: { body },
    },
  )
  return { states: results.slice(0, states.length), kept: results.slice(states.length + shared.length) }
}
