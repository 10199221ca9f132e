import type { Recording } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import type { DataType } from '../../tensor/dtype.ts'
import type { Program } from '../program.ts'
import { Demand } from './demand.ts'
import { blockAt, isBlockStart, isModelStage, type Placement, place } from './place.ts'
import type { LinkPlan, Step } from './plan.ts'
import { buildStep } from './step.ts'
import { isConstant, readsOf, type Unit } from './unit.ts'

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
  const groups = new Map<number, Unit[]>()
  for (const unit of demand.units) {
    const position = placement.positions.get(unit)!
    const units = groups.get(position)
    if (units) units.push(unit)
    else groups.set(position, [unit])
  }
  const order = [...groups.keys()].sort((a, b) => a - b)
  const lastReads = lastReaders(program, order, groups, placement, results)
  const droppedAfter = order.map(() => [] as string[])
  for (const [id, last] of lastReads) droppedAfter[last]?.push(id)
  const executed = new Set<number>()
  for (const unit of demand.units) if (unit.kind === 'node') executed.add(unit.node!.index)

  const steps = order.map((position, i): Step => {
    const units = groups.get(position)!
    const block = blockAt(position)
    const dropped = droppedAfter[i]
    const whole = wholeAt(placement, position)
    if (whole) return program.wholeStep(block, whole, neededOutputs(units, i, block), dropped)
    return buildStep({
      program,
      form,
      units,
      typeOf,
      block,
      isModelStage: isModelStage(position),
      outputs: neededOutputs(units, i),
      dropped,
    })
  })
  const ran = new Set(steps.filter(step => step.kind !== 'operations').map(step => step.block))
  return {
    steps,
    results,
    weights: [...new Set(results)].filter(id => program.weights.has(id)),
    skipped: program.blocks.filter(block => !ran.has(block.index)).map(block => block.index),
    executed,
  }

  function neededOutputs(units: readonly Unit[], step: number, whole?: number): string[] {
    if (whole !== undefined && keepEdges) {
      for (const node of program.blocks[whole].nodes) executed.add(node.index)
      return [...program.blocks[whole].outputs]
    }
    const needed: string[] = []
    for (const unit of units) {
      for (const id of unit.outputs) {
        if (id === '') continue
        const isRead = (lastReads.get(id) ?? -1) > step
        const isFrontier = keepEdges && unit.kind === 'node' && hasOtherReaders(program, id, executed)
        if (isRead || isFrontier) needed.push(id)
      }
    }
    return needed
  }
}

/** What to feed to the block that runs as it is at a position; undefined if none does. */
function wholeAt({ whole }: Placement, position: number): ReadonlyMap<string, string> | undefined {
  return isBlockStart(position) ? whole.get(blockAt(position)) : undefined
}

/** For each value that crosses between steps: the index of the last step that reads it; past the end if the caller wants it. */
function lastReaders(
  program: Program,
  order: readonly number[],
  groups: ReadonlyMap<number, readonly Unit[]>,
  placement: Placement,
  results: readonly string[],
): Map<string, number> {
  const last = new Map<string, number>()
  order.forEach((position, i) => {
    const fed = wholeAt(placement, position)
    if (fed) {
      for (const name of program.blocks[blockAt(position)].inputs) last.set(fed.get(name) ?? name, i)
      return
    }
    for (const unit of groups.get(position)!) {
      for (const id of readsOf(unit)) if (!isConstant(id) && !program.weights.has(id)) last.set(id, i)
    }
  })
  for (const id of results) last.set(id, order.length)
  return last
}

/** Whether a node that does not run now could read the value later. */
function hasOtherReaders(program: Program, id: string, executed: ReadonlySet<number>): boolean {
  if (program.isOutput(id)) return true
  return (program.graph.consumers.get(id) ?? []).some(node => !executed.has(node.index))
}
