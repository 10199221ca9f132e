import type { Recording } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'
import type { Program } from '../blocks/program.ts'
import { Demand } from './demand.ts'
import { narrow } from './narrow.ts'
import { Origins } from './origins.ts'
import { place } from './place.ts'
import type { LinkPlan, Step } from './plan.ts'
import { arrange, type Slot } from './slots.ts'
import { buildStep } from './step.ts'
import { isConstant, readsOf, type Unit } from './unit.ts'
import { wholeStep } from './whole-step.ts'

/** Values that were computed earlier in the same trace, by a forced value. */
export type Given = ReadonlySet<string>

/**
 * Joins a recording with the model's graph. `keepEdges` makes every step give all that later nodes could read, so that a trace that
 * forces a value can go on from there.
 */
export function link(
  program: Program,
  recording: Recording,
  form: NormalForm,
  given: Given,
  keepEdges = false,
): LinkPlan {
  const demand = new Demand(program, recording, form, given)
  for (const value of recording.wanted) demand.prepare(value)
  const results = recording.wanted.map(value => demand.idOf(value))
  for (const id of results) demand.require(id)
  // What is forced now may be asked for in full later in the same trace.
  if (!keepEdges) narrow(program, demand, results)

  let placement = place(program, demand, results, given)
  // A block that runs as it is needs all its inputs, also those that only unwanted nodes read.
  for (let more = true; more; ) {
    more = false
    for (const [block, fed] of placement.whole) {
      for (const name of program.blocks[block].inputs) {
        if (fed.has(name) || demand.producers.has(name) || given.has(name) || program.isInput(name)) continue
        demand.require(name)
        more = true
      }
    }
    if (more) placement = place(program, demand, results, given)
  }

  const typeOf = (id: string): DataType | undefined => demand.types.get(id) ?? program.typeOf(id)
  const slots = arrange(program, demand, placement)
  const lastReads = lastReaders(program, slots, results)
  const droppedAfter = slots.map(() => [] as string[])
  for (const [id, last] of lastReads) droppedAfter[last]?.push(id)
  const executed = new Set<number>()
  for (const unit of demand.units) {
    if (unit.kind !== 'node') continue
    for (const { index } of unit.cluster?.nodes ?? [unit.node!]) executed.add(index)
  }

  const origins = new Origins(program, given)
  const steps = slots.map((slot, i): Step => {
    const { units, block, whole } = slot
    const dropped = droppedAfter[i]
    if (whole) return wholeStep(program, whole, neededOutputs(slot, i), dropped, origins.through(whole))
    return buildStep({
      program,
      form,
      units,
      typeOf,
      block,
      isModelStage: slot.isModelStage,
      outputs: neededOutputs(slot, i),
      dropped,
    })
  })
  const ran = new Set(slots.flatMap(({ whole, block, units }) => whole?.blocks ?? (hasNodes(units) ? [block] : [])))
  return {
    steps,
    results,
    weights: [...new Set(results)].filter(id => program.weights.has(id)),
    skipped: program.blocks.filter(block => !ran.has(block.index)).map(block => block.index),
    executed,
    passed: demand.passed,
  }

  function neededOutputs({ units, whole }: Slot, step: number): string[] {
    if (whole && keepEdges) {
      for (const node of whole.part.nodes) executed.add(node.index)
      return [...whole.part.outputs]
    }
    const needed: string[] = []
    for (const unit of units) {
      for (const id of unit.outputs) {
        if (id === '') continue
        const isRead = (lastReads.get(id) ?? -1) > step
        const isTensor = program.typeOf(id) !== undefined
        const isFrontier = keepEdges && unit.kind === 'node' && isTensor && hasOtherReaders(program, id, executed)
        if (isRead || isFrontier) needed.push(id)
      }
    }
    return needed
  }
}

const hasNodes = (units: readonly Unit[]): boolean => units.some(unit => unit.kind === 'node')

/** For each value that crosses between sessions: the index of the last one that reads it; past the end if the caller wants it. */
function lastReaders(program: Program, slots: readonly Slot[], results: readonly string[]): Map<string, number> {
  const last = new Map<string, number>()
  slots.forEach(({ units, whole }, i) => {
    if (whole) {
      for (const name of whole.part.inputs) last.set(whole.fed.get(name) ?? name, i)
      return
    }
    for (const unit of units) {
      for (const id of readsOf(unit)) if (!isConstant(id) && !program.weights.has(id)) last.set(id, i)
    }
  })
  for (const id of results) last.set(id, slots.length)
  return last
}

/** Whether a node that does not run now could read the value later. */
function hasOtherReaders(program: Program, id: string, executed: ReadonlySet<number>): boolean {
  if (program.isOutput(id)) return true
  return (program.graph.consumers.get(id) ?? []).some(node => !executed.has(node.index))
}
