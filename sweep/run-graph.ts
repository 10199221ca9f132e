import { SweepError } from '../runtime/errors/sweep.ts'
import type { InterventionGraph } from '../runtime/model/intervention.ts'
import type { Model } from '../runtime/model/model.ts'
import { isPlain } from '../runtime/tensor/arguments/plain-objects.ts'
import { stateOf, Tensor } from '../runtime/tensor/tensor.ts'

/** Runs a recorded point, and gives what it measured. @throws SweepError for results that are no numbers */
export async function measured(
  model: Model,
  graph: InterventionGraph,
  signal?: AbortSignal,
): Promise<Readonly<Record<string, number>>> {
  const result = await model.runGraph(graph, signal ? { signal } : {})
  if (typeof result === 'object' && result !== null && isPlain(result) && !(result instanceof Tensor))
    return Object.fromEntries(Object.entries(result).map(([name, value]) => [name, numberOf(name, value)]))
  return { value: numberOf('the result', result) }
}

function numberOf(name: string, value: unknown): number {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return Number(value)
  if (value instanceof Tensor) {
    const { data } = stateOf(value).data()
    if (data.length === 1 && typeof data[0] !== 'string') return Number(value.item())
    throw new SweepError(
      `measure gave ${name} with dims [${value.dims.join(', ')}], and a cell of the table holds one number.`,
      'reduce it: .mean(), .max(), or choose an element, .slice([0, -1, id])',
    )
  }
  throw new SweepError(
    `measure gave ${String(value)} for ${name}.`,
    'return numbers and tensors of one number, by name',
  )
}
