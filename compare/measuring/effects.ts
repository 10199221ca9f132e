import { cat } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { putIntoA, takenFromA } from '../arranging/part.ts'
import type { InputPair } from '../inputs.ts'
import { makerOf, type ValuePair } from '../pairing/pair-values.ts'
import type { NamedInputs, Side } from '../side.ts'
import { BatchRows } from './batch-rows.ts'
import { numbers } from './numbers.ts'
import type { OutputMetric } from './output-error.ts'
import { type Ours, ourOutput } from './runs.ts'
import { blockOf, type Stage, stagesOf } from './stages.ts'
import { readValue, writeValue, writtenType } from './taps.ts'

/** The limits of a run with several errors: the tokens of all rows, the elements of its output, and the rows. */
const TOKENS_AT_ONCE = 1024
const OUTPUT_AT_ONCE = 2 ** 23
const ROWS_AT_ONCE = 16
/** How many bytes of values are kept between the stages of all rows. */
const BYTES_BETWEEN = 64 * 2 ** 20

/** The paired values that one module or node computes, or several. */
export interface Unit {
  readonly path: string
  readonly pairs: readonly ValuePair[]
  /** Whether its errors are added to what comes, so that the error of an earlier value also passes through a later one. */
  readonly isAdded?: boolean
}

export function unitsOf(pairs: readonly ValuePair[]): Unit[] {
  const units = new Map<string, ValuePair[]>()
  for (const pair of pairs) units.set(makerOf(pair), [...(units.get(makerOf(pair)) ?? []), pair])
  return [...units].map(([path, own]) => ({ path, pairs: own }))
}

/** The errors of several units at once. */
export const joint = (units: readonly Unit[]): Unit => ({
  path: units.map(({ path }) => path).join(' '),
  pairs: units.flatMap(({ pairs }) => pairs),
  isAdded: true,
})

/** A run of A with the error of one unit, as a row of batches. */
interface Row {
  readonly unit: Unit
  /** The values from which the next stage goes on. */
  states: ReadonlyMap<string, Tensor>
}

/** What all runs of `effectsOf` share. */
interface Setting {
  readonly a: Side
  readonly input: InputPair
  readonly batch: BatchRows
  readonly metric: OutputMetric
  /** What the metric takes of A's own output. */
  readonly due: readonly Tensor[]
  /** Records the value of A, which is given, with the unit's error. */
  readonly withError: (unit: Unit, pair: ValuePair, read: () => Tensor) => Tensor
}

/**
 * Runs A with the error of each of these modules, and returns the errors of A's output. Each module is a row of a batch. The rows go through A
 * block by block: a row begins at the block that computes the module, from A's own values there, so that nothing runs twice.
 * @param theirs what B's modules compute from A's values, by the value's name in A
 */
export async function effectsOf(
  a: Side,
  units: readonly Unit[],
  theirs: ReadonlyMap<string, Tensor>,
  ours: Ours,
  input: InputPair,
  metric: OutputMetric,
): Promise<number[]> {
  if (units.length === 0) return []
  const batch = await BatchRows.of(a, input.a, input.arrangement)
  const due = await Promise.all(metric.prepare(metric.at(ours.output)).map(tensor => tensor.value()))
  const errors = await errorsOf(units, theirs, ours)
  const withError = ({ isAdded }: Unit, { a, part }: ValuePair, read: () => Tensor): Tensor =>
    putIntoA(read, part, isAdded ? takenFromA(read(), part).to('float32').add(errors.get(a)!) : theirs.get(a)!)
  const setting: Setting = { a, input, batch, metric, due, withError }
  const isWhole = (value: string, { dims }: Tensor): boolean => String(a.shapes.get(value)?.dims) === String(dims)
  const known = new Map([...ours.values].filter(([value, tensor]) => isWhole(value, tensor)))
  const isAlone = ({ pairs }: Unit): boolean =>
    [metric.output, ...pairs.map(({ a }) => a)].some(value => batch.axisOf(value) === undefined)
  const effects = new Map<Unit, number>()
  for (const unit of units.filter(isAlone)) {
    const [stage] = stagesOf(a, [firstBlock(a, unit)], metric.output, new Set(known.keys()))
    const [error] = await runLast(setting, stage, [{ unit, states: statesOf(stage, known) }])
    effects.set(unit, error)
  }
  const together = units.filter(unit => !isAlone(unit))
  const inRows = new Map([...known].filter(([value]) => batch.axisOf(value) !== undefined))
  for (const [unit, error] of await inStages(setting, together, inRows, input)) effects.set(unit, error)
  return units.map(unit => effects.get(unit)!)
}

/** What B's modules compute less A's values, where it is added. */
async function errorsOf(
  units: readonly Unit[],
  theirs: ReadonlyMap<string, Tensor>,
  ours: Ours,
): Promise<ReadonlyMap<string, Tensor>> {
  const errors = new Map<string, Tensor>()
  for (const { a } of units.filter(({ isAdded }) => isAdded).flatMap(({ pairs }) => pairs))
    if (!errors.has(a)) errors.set(a, await theirs.get(a)!.to('float32').sub(ours.values.get(a)!.to('float32')).value())
  return errors
}

const firstBlock = (a: Side, { pairs }: Unit): number => Math.min(...pairs.map(pair => blockOf(a, pair.a)))

const statesOf = ({ from }: Stage, known: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> =>
  new Map(from.map(value => [value, known.get(value)!]))

/** Runs A with the error of each of these units, which become rows as soon as the stages come to them. */
async function inStages(
  setting: Setting,
  units: readonly Unit[],
  known: ReadonlyMap<string, Tensor>,
  input: InputPair,
): Promise<Map<Unit, number>> {
  const { a, metric } = setting
  const effects = new Map<Unit, number>()
  if (units.length === 0) return effects
  const firsts = new Set([...units.map(unit => firstBlock(a, unit)), blockOf(a, metric.output)])
  const blocks = [...firsts].sort((one, other) => one - other)
  const stages = stagesOf(a, blocks, metric.output, new Set(known.keys()))
  const bytes = Math.max(...stages.map(({ from }) => from.reduce((sum, value) => sum + bytesOf(known.get(value)!), 0)))
  const limits = limitsOf(a, input, metric)
  const ordered = [...units].sort((one, other) => firstBlock(a, one) - firstBlock(a, other))
  for (const some of evenly(ordered, Math.max(1, Math.floor(BYTES_BETWEEN / Math.max(1, bytes))))) {
    let rows: Row[] = []
    for (const [i, stage] of stages.entries()) {
      const added = some.filter(unit => firstBlock(a, unit) === stage.first)
      rows = [...rows, ...added.map(unit => ({ unit, states: statesOf(stage, known) }))]
      const next = stages[i + 1]
      for (const part of evenly(rows, next ? limits.rows : limits.outputs)) {
        if (next) await runStage(setting, stage, next, part)
        else for (const [j, error] of (await runLast(setting, stage, part)).entries()) effects.set(part[j].unit, error)
      }
    }
  }
  return effects
}

/** A's inputs for these rows, which are equal. */
const inputsOf = ({ input, batch }: Setting, rows: readonly Row[]): NamedInputs =>
  rows.length === 1 ? input.a : batch.inputs(rows.map(() => input.a))!

/** Runs one stage for these rows, which then have the values from which the next stage goes on. */
async function runStage(setting: Setting, stage: Stage, next: Stage, rows: readonly Row[]): Promise<void> {
  const { a, batch } = setting
  const states = await a.model.trace(inputsOf(setting, rows), () => {
    writeRows(setting, stage, rows)
    return next.from.map(value => rowsOf(readValue(a, value), batch.axisOf(value), rows.length))
  })
  for (const [i, row] of rows.entries()) row.states = new Map(next.from.map((value, j) => [value, states[j][i]]))
}

/** Runs the last stage for these rows, and returns the errors of A's output. */
async function runLast(setting: Setting, stage: Stage, rows: readonly Row[]): Promise<number[]> {
  const { a, batch, metric, due } = setting
  const errors = await a.model.trace(inputsOf(setting, rows), () => {
    writeRows(setting, stage, rows)
    const outputs = rowsOf(metric.at(ourOutput(a, metric)), batch.axisOf(metric.output), rows.length)
    return cat(outputs.map(output => metric.measure(due, output)))
  })
  return numbers(errors)
}

/** Writes, in a trace of a batch, the values from which each row goes on, and the errors that the stage's units make in their rows. */
function writeRows({ a, batch, withError }: Setting, stage: Stage, rows: readonly Row[]): void {
  for (const value of stage.from) {
    const states = rows.map(({ states }) => states.get(value)!)
    writeValue(a, value, joined(states, batch.axisOf(value)))
  }
  const isHere = (block: number): boolean => stage.first <= block && block < stage.end
  const pairs = new Set(rows.flatMap(({ unit }) => unit.pairs).filter(pair => isHere(blockOf(a, pair.a))))
  const inOrder = [...pairs].sort((one, other) => placeOf(a, one) - placeOf(a, other))
  for (const pair of inOrder) {
    const axis = batch.axisOf(pair.a)
    const now = rowsOf(readValue(a, pair.a), axis, rows.length)
    const type = writtenType(a, pair.a)
    const written = rows.map(({ unit }, i) =>
      unit.pairs.includes(pair) ? withError(unit, pair, () => now[i]) : now[i],
    )
    writeValue(
      a,
      pair.a,
      joined(
        written.map(row => row.to(type)),
        axis,
      ),
    )
  }
}

const placeOf = ({ graph }: Side, { a }: ValuePair): number => graph.producer.get(a)!.node.index

function rowsOf(value: Tensor, axis: number | undefined, count: number): Tensor[] {
  return count === 1 ? [value] : Array.from({ length: count }, (_, row) => value.narrow(axis!, row, 1))
}

const joined = (rows: readonly Tensor[], axis: number | undefined): Tensor =>
  rows.length === 1 ? rows[0] : cat([...rows], axis!)

const bytesOf = ({ dims }: Tensor): number => 4 * (dims as readonly number[]).reduce((size, dim) => size * dim, 1)

/** How many rows run at once, and how many if they compute the output. */
function limitsOf(
  a: Side,
  input: InputPair,
  { elements }: OutputMetric,
): { readonly rows: number; readonly outputs: number } {
  const tokens = a.ids === undefined ? 1 : (input.a[a.ids].dims[1] as number)
  const rows = Math.max(1, Math.min(ROWS_AT_ONCE, Math.floor(TOKENS_AT_ONCE / tokens)))
  return { rows, outputs: Math.max(1, Math.min(rows, Math.floor(OUTPUT_AT_ONCE / elements))) }
}

/** Splits a list into parts of about the same size, which is `most` at most. */
function evenly<T>(list: readonly T[], most: number): T[][] {
  const count = Math.ceil(list.length / most)
  const size = Math.ceil(list.length / count)
  return Array.from({ length: count }, (_, i) => list.slice(i * size, (i + 1) * size)).filter(part => part.length > 0)
}
