import { lower } from '../../graph/lower.ts'
import type { Program } from '../blocks/program.ts'
import type { Demand } from './demand.ts'
import { isConstant, isModelValue, readsOf, type Unit } from './unit.ts'

/*
 * When each unit runs. A position is `block * SPAN + stage`. Even stages are sessions in the model's opset, odd ones hold recorded
 * operations alone, in the opset they were recorded in. Stage 0 is the block itself; from LATER on, what runs after the block.
 */
const SPAN = 1000
const LATER = 500
/** Stage 0 of a block before the first: where operands are. */
const START = -SPAN

export const blockAt = (position: number): number => Math.floor(position / SPAN)
/** Where a block itself stands, before what runs within or after it. */
export const blockStart = (block: number): number => block * SPAN
/** Whether this is the block itself, and not what runs within or after it. */
export const isBlockStart = (position: number): boolean => position === blockAt(position) * SPAN
export const isModelStage = (position: number): boolean => (position & 1) === 0

export interface Placement {
  readonly positions: ReadonlyMap<Unit, number>
  /** Blocks that run as they are, with the value to feed for each input. */
  readonly whole: ReadonlyMap<number, ReadonlyMap<string, string>>
}

/** Places the demanded units, which come producers first. `wanted` are the ids that must come out of the run. */
export function place(
  program: Program,
  demand: Demand,
  wanted: readonly string[],
  given: ReadonlySet<string>,
): Placement {
  const levels = levelsOf(demand)
  const { touched, feeds } = touchedBlocks(program, demand, levels, wanted, given)
  const uses = latestUses(demand, levels)
  const order = [...touched].sort((a, b) => a - b)
  const positions = new Map<Unit, number>()
  for (const unit of demand.units) {
    let base = START
    for (const id of readsOf(unit)) {
      const producer = demand.producers.get(id)
      if (producer) base = Math.max(base, positions.get(producer)!)
    }
    positions.set(unit, position(unit, base))
  }
  const whole = new Map<number, ReadonlyMap<string, string>>()
  for (const [block, fed] of feeds) if (!touched.has(block)) whole.set(block, fed)
  return { positions, whole }

  function position(unit: Unit, base: number): number {
    const ready = isModelStage(base) ? base : base + 1
    if (unit.kind === 'node') return Math.max(levels.get(unit)! * SPAN, ready)
    const limit = uses.get(unit)!
    if (unit.kind === 'operation' && !lower(unit.operation!, program.opset)) {
      if (!isModelStage(base)) return base
      return isRebuilt(base) && limit <= blockAt(base) ? base + 1 : later(base)
    }
    if (isRebuilt(base)) return base
    // A session that is rebuilt anyway takes it along, if one comes in time.
    const next = order.find(block => block * SPAN > base && block <= limit)
    if (next !== undefined) return next * SPAN
    if (!isModelStage(base)) return unit.kind === 'copy' ? base + 1 : base
    return unit.kind === 'copy' ? later(base) + 1 : later(base)
  }

  function isRebuilt(base: number): boolean {
    return isModelStage(base) && (stageOf(base) >= LATER || touched.has(blockAt(base)))
  }
}

const stageOf = (position: number): number => position - blockAt(position) * SPAN

/** The first place after the block for recorded operations alone. */
function later(position: number): number {
  return stageOf(position) >= LATER ? position + 1 : blockAt(position) * SPAN + LATER + 1
}

/** The block in which a unit's inputs are all there: its own for a node, unless an intervention makes it wait for a later one. */
function levelsOf(demand: Demand): Map<Unit, number> {
  const levels = new Map<Unit, number>()
  for (const unit of demand.units) {
    let level = unit.block ?? -1
    for (const id of readsOf(unit)) {
      const producer = demand.producers.get(id)
      if (producer) level = Math.max(level, levels.get(producer)!)
    }
    levels.set(unit, level)
  }
  return levels
}

/** The earliest block in which a unit's results are read; infinite if only the caller wants them. */
function latestUses(demand: Demand, levels: ReadonlyMap<Unit, number>): Map<Unit, number> {
  const uses = new Map<Unit, number>()
  for (const unit of demand.units) uses.set(unit, Number.POSITIVE_INFINITY)
  for (let i = demand.units.length - 1; i >= 0; i--) {
    const unit = demand.units[i]
    const use = unit.kind === 'node' ? levels.get(unit)! : uses.get(unit)!
    for (const id of readsOf(unit)) {
      const producer = demand.producers.get(id)
      if (producer) uses.set(producer, Math.min(uses.get(producer)!, use))
    }
  }
  return uses
}

/** The blocks that an intervention reaches inside; and for all of them, what to feed for the inputs that its nodes read. */
function touchedBlocks(
  program: Program,
  demand: Demand,
  levels: ReadonlyMap<Unit, number>,
  wanted: readonly string[],
  given: ReadonlySet<string>,
): { touched: Set<number>; feeds: Map<number, Map<string, string>> } {
  const touched = new Set<number>()
  const feeds = new Map<number, Map<string, string>>()
  const touchInner = (id: string): void => {
    if (!isModelValue(id) || given.has(id)) return
    const block = demand.producers.get(id)?.block
    if (block !== undefined && !program.isBlockOutput(block, id)) touched.add(block)
  }
  for (const id of wanted) touchInner(id)
  for (const unit of demand.units) {
    if (unit.block === undefined) {
      for (const id of readsOf(unit)) touchInner(id)
      continue
    }
    const { block } = unit
    let fed = feeds.get(block)
    if (!fed) {
      fed = new Map()
      feeds.set(block, fed)
      if (program.blocks[block].nodes.some(node => node.outputs.some(name => given.has(name)))) touched.add(block)
    }
    const level = levels.get(unit)!
    if (level !== block) touched.add(block).add(level)
    const reads: (readonly [string, string])[] = unit.node!.inputs.map((name, i) => [name, unit.inputs[i]])
    for (const [name, id] of [...reads, ...unit.captures]) {
      if (name === '') continue
      const isEdge = program.isBlockInput(block, name)
      if (isEdge) {
        if (fed.has(name) && fed.get(name) !== id) touched.add(block)
        fed.set(name, id)
      }
      if (id === name) continue
      const producer = demand.producers.get(id)
      const isMadeHere = producer !== undefined && levels.get(producer)! >= block
      if (!isEdge || isMadeHere || isConstant(id) || program.weights.has(id)) touched.add(block)
      touchInner(id)
    }
  }
  return { touched, feeds }
}
