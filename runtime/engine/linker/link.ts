import type { Recording } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'
import type { Program } from '../blocks/program.ts'
import { type AddedValues, addedValues } from './added-values.ts'
import { Demand } from './demand.ts'
import { SessionsBehind } from './origins.ts'
import { place } from './place.ts'
import type { LinkPlan, Step } from './plan.ts'
import { prune } from './prune.ts'
import { recomputeForward } from './recompute.ts'
import { selectRowsFirst } from './select-rows-first.ts'
import { type SessionRun, sessionRuns, splitBlocks } from './session-runs.ts'
import { buildStep } from './step.ts'
import { uneditedStep } from './unedited-step.ts'
import { isConstant, readsOf, type Unit } from './unit.ts'

/** Names of values that were computed earlier in the same trace, when a value was forced. */
export type AlreadyComputed = ReadonlySet<string>

export interface LinkOptions {
  readonly keepEdges?: boolean
  readonly joins?: boolean
  /** Called with what the recording adds to the model's graph. */
  readonly onLinked?: ((added: AddedValues) => unknown) | undefined
}

/**
 * Makes a plan of a recording and the model's graph. With `keepEdges`, steps also return the values that later nodes could read, so that a
 * trace that forces a value can go on from there. With `joins`, blocks of one group that would run in sessions of their own are rebuilt together.
 * @throws CycleError if a write depends on itself
 */
export function link(
  program: Program,
  recording: Recording,
  form: NormalForm,
  alreadyComputed: AlreadyComputed,
  { keepEdges = false, joins = false, onLinked }: LinkOptions = {},
): LinkPlan {
  const demand = new Demand(program, recording, form, alreadyComputed)
  for (const value of recording.wanted) demand.prepare(value)
  const results = recording.wanted.map(value => demand.idOf(value))
  for (const id of results) demand.require(id)
  if (demand.hasGradients) prune(demand, results)
  // After a forced value, the same trace may still read all rows.
  if (!keepEdges) selectRowsFirst(program, demand, results)
  onLinked?.(addedValues(program, recording, demand))
  if (recording.recomputes) demand.segments = recomputeForward(program, demand, results)

  let placement = place(program, demand, results, alreadyComputed)
  // An unedited block needs all its inputs, also those that only unwanted nodes read.
  for (let more = true; more; ) {
    more = false
    for (const [block, fed] of placement.unedited) {
      for (const name of program.blocks[block].inputs) {
        if (fed.has(name) || demand.producers.has(name) || alreadyComputed.has(name) || program.isInput(name)) continue
        demand.require(name)
        more = true
      }
    }
    if (more) placement = place(program, demand, results, alreadyComputed)
  }

  const typeOf = (id: string): DataType | undefined => demand.types.get(id) ?? program.typeOf(id)
  let runs = sessionRuns(program, demand, placement)
  const splitUp = splitBlocks(program, runs)
  if (joins && splitUp.size > 0)
    runs = sessionRuns(program, demand, place(program, demand, results, alreadyComputed, splitUp), splitUp)
  const lastReads = lastReaders(program, runs, results)
  const droppedAfter = runs.map(() => [] as string[])
  for (const [id, last] of lastReads) droppedAfter[last]?.push(id)
  const executed = new Set<number>()
  for (const unit of demand.units) {
    if (unit.kind !== 'node') continue
    for (const { index } of unit.cluster?.nodes ?? [unit.node!]) executed.add(index)
  }

  const origins = new SessionsBehind(program, alreadyComputed)
  const steps = runs.map((slot, i): Step => {
    const { units, blocks, unedited, isModelStage } = slot
    const dropped = droppedAfter[i]
    const outputs = neededOutputs(slot, i)
    if (unedited) return uneditedStep(program, unedited, outputs, dropped, origins.originOf(unedited))
    const edges = blocks.length > 1 ? edgesWithin(program, units).filter(id => !outputs.includes(id)) : []
    return buildStep({
      program,
      form: demand.form,
      units,
      typeOf,
      blocks,
      isModelStage,
      outputs,
      edges,
      dropped,
      segments: demand.segments,
    })
  })
  const ran = new Set(runs.flatMap(({ units }) => units.flatMap(({ kind, block }) => (kind === 'node' ? block : []))))
  return {
    steps,
    results,
    weights: [...new Set(results)].filter(id => program.weights.has(id)),
    isSplit: splitUp.size > 0,
    skipped: program.blocks.filter(block => !ran.has(block.index)).map(block => block.index),
    executed,
    tapsBeforeReads: demand.tapsBeforeReads,
  }

  function neededOutputs({ units, unedited }: SessionRun, step: number): string[] {
    if (unedited && keepEdges) {
      for (const node of unedited.part.nodes) executed.add(node.index)
      return [...unedited.part.outputs]
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

/** Values that blocks read of one another. */
function edgesWithin(program: Program, units: readonly Unit[]): string[] {
  const isEdge = (id: string, block: number | undefined): boolean =>
    id !== '' && block !== undefined && program.isBlockOutput(block, id)
  return units.flatMap(({ outputs, block }) => outputs.filter(id => isEdge(id, block)))
}

/** For each value that crosses between sessions: the index of the last run that reads it, or the number of runs if the caller wants it. */
function lastReaders(program: Program, runs: readonly SessionRun[], results: readonly string[]): Map<string, number> {
  const last = new Map<string, number>()
  runs.forEach(({ units, unedited }, i) => {
    if (unedited) {
      for (const name of unedited.part.inputs) last.set(unedited.feeds.get(name) ?? name, i)
      return
    }
    for (const unit of units) {
      for (const id of readsOf(unit)) if (!isConstant(id) && !program.weights.has(id)) last.set(id, i)
    }
  })
  for (const id of results) last.set(id, runs.length)
  return last
}

/** Whether the value is an output of the model, or some node that does not run now reads it. */
function hasOtherReaders(program: Program, id: string, executed: ReadonlySet<number>): boolean {
  if (program.isOutput(id)) return true
  return (program.graph.consumers.get(id) ?? []).some(node => !executed.has(node.index))
}
