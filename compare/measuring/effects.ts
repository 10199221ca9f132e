import { BatchAxisError } from '../../runtime/errors/invoke.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { invoke } from '../../runtime/tracing/invokes/invoke.ts'
import { putIntoA, takenFromA } from '../arranging/part.ts'
import type { InputPair } from '../inputs.ts'
import { makerOf, type ValuePair } from '../pairing/pair-values.ts'
import type { Side } from '../side.ts'
import type { OutputMetric } from './output-error.ts'
import { errorOf, ourOutput } from './runs.ts'
import { readValue, writeValue } from './taps.ts'

/** The limits of a run with several errors: the tokens of all rows, the elements of its output, and the rows. */
const TOKENS_AT_ONCE = 1024
const OUTPUT_AT_ONCE = 2 ** 23
const ROWS_AT_ONCE = 16

/** The paired values that one module or node computes. */
export interface Unit {
  readonly path: string
  readonly pairs: readonly ValuePair[]
}

export function unitsOf(pairs: readonly ValuePair[]): Unit[] {
  const units = new Map<string, ValuePair[]>()
  for (const pair of pairs) units.set(makerOf(pair), [...(units.get(makerOf(pair)) ?? []), pair])
  return [...units].map(([path, own]) => ({ path, pairs: own }))
}

/** Whether the values of `theirs` take the place of A's, or are added to what A computes. */
type How = 'replaced' | 'added'

/**
 * Runs A with the error of each of these modules, and returns the errors of A's output. Each module has a row of the batch.
 * @param theirs what B's modules compute from A's values, by the value's name in A
 * @param output A's own output
 */
export async function effectsOf(
  a: Side,
  units: readonly Unit[],
  theirs: ReadonlyMap<string, Tensor>,
  output: Tensor,
  input: InputPair,
  metric: OutputMetric,
  how: How = 'replaced',
): Promise<number[]> {
  const effects: number[] = []
  for (const some of chunks(units, rowsAtOnce(a, input, metric)))
    for (const spoilt of await outputsOf(a, some, theirs, input, metric, how))
      effects.push(await errorOf(metric, output, spoilt))
  return effects
}

/** A's output with the error of each of these modules. */
async function outputsOf(
  a: Side,
  units: readonly Unit[],
  theirs: ReadonlyMap<string, Tensor>,
  input: InputPair,
  metric: OutputMetric,
  how: How,
): Promise<Tensor[]> {
  const withErrors = ({ pairs }: Unit): Tensor => {
    for (const pair of pairs) {
      const value = theirs.get(pair.a)!
      const read = (): Tensor => readValue(a, pair.a)
      const written = how === 'replaced' ? value : takenFromA(read(), pair.part).to('float32').add(value)
      writeValue(a, pair.a, putIntoA(read, pair.part, written))
    }
    return ourOutput(a, metric)
  }
  try {
    const outputs = await a.model.trace(null, {}, () => units.map(unit => invoke(input.a, () => withErrors(unit))))
    return outputs as unknown as Tensor[]
  } catch (error) {
    // A value that all rows share, such as a mask, can be replaced only for all rows at once. So each module gets a run of its own.
    if (!(error instanceof BatchAxisError) || units.length === 1) throw error
    const each: Tensor[] = []
    for (const unit of units) each.push(...(await outputsOf(a, [unit], theirs, input, metric, how)))
    return each
  }
}

function rowsAtOnce(a: Side, input: InputPair, { elements }: OutputMetric): number {
  const tokens = a.ids === undefined ? 1 : (input.a[a.ids].dims[1] as number)
  return Math.max(1, Math.min(ROWS_AT_ONCE, Math.floor(TOKENS_AT_ONCE / tokens), Math.floor(OUTPUT_AT_ONCE / elements)))
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size))
}
