import { lower } from '../../graph/lower.ts'
import type { Program } from '../blocks/program.ts'
import type { Demand } from './demand.ts'
import { isConstant, isModelValue, readsOf, type Unit } from './unit.ts'

/*
 * When each unit runs. A position is `block * SPAN + stage`. Even stages are sessions in the model's opset; odd ones contain recorded
 * operations only, in the opset that they were recorded in. Stage 0 is the block itself; stages from AFTER_BLOCK on run after the block.
 */
const SPAN = 1000
const AFTER_BLOCK = 500
/** Stage 0 of a block before the first: the position of operands. */
const START = -SPAN

export const blockAt = (position: number): number => Math.floor(position / SPAN)
/** The position of a block itself, before the stages that run within or after it. */
export const blockStart = (block: number): number => block * SPAN
/** Whether this is the position of a block itself. */
export const isBlockStart = (position: number): boolean => position === blockAt(position) * SPAN
export const isModelStage = (position: number): boolean => (position & 1) === 0

export interface Placement {
  readonly positions: ReadonlyMap<Unit, number>
  /** Unedited blocks, with the id of the value to feed for each input. */
  readonly unedited: ReadonlyMap<number, ReadonlyMap<string, string>>
}

/** Gives each unit of `demand` its position. `wanted` are the ids of the run's results. The blocks in `joined` are rebuilt in any case. */
export function place(
  program: Program,
  demand: Demand,
  wanted: readonly string[],
  alreadyComputed: ReadonlySet<string>,
  joined: ReadonlySet<number> = new Set(),
): Placement {
  const levels = levelsOf(demand)
  const { touched, feeds } = rebuiltBlocks(program, demand, levels, wanted, alreadyComputed)
  for (const block of feeds.keys()) if (joined.has(block)) touched.add(block)
  const uses = latestUses(demand, levels)
  const firstSegment = program.blocks.length - 1
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
  const unedited = new Map<number, ReadonlyMap<string, string>>()
  for (const [block, fed] of feeds) if (!touched.has(block)) unedited.set(block, fed)
  return { positions, unedited }

  function position(unit: Unit, base: number): number {
    const segment = demand.segments?.of.get(unit)
    if (segment !== undefined) return inSegment(unit, Math.max(base, blockStart(firstSegment + segment)))
    const ready = isModelStage(base) ? base : base + 1
    if (unit.kind === 'node') return Math.max(levels.get(unit)! * SPAN, ready)
    const limit = uses.get(unit)!
    if (unit.kind === 'operation' && !lower(unit.operation!, program.opset)) {
      if (!isModelStage(base)) return base
      return isRebuilt(base) && limit <= blockAt(base) ? base + 1 : afterBlock(base)
    }
    if (isRebuilt(base)) return base
    // The unit joins the next session that is rebuilt anyway, if its readers run no earlier.
    const next = order.find(block => block * SPAN > base && block <= limit)
    if (next !== undefined) return next * SPAN
    if (!isModelStage(base)) return unit.kind === 'copy' ? base + 1 : base
    return unit.kind === 'copy' ? afterBlock(base) + 1 : afterBlock(base)
  }

  function inSegment({ kind, operation }: Unit, base: number): number {
    if (isModelStage(base)) return kind === 'operation' && !lower(operation!, program.opset) ? base + 1 : base
    return kind === 'operation' ? base : base + 1
  }

  function isRebuilt(base: number): boolean {
    if (!isModelStage(base)) return false
    return stageOf(base) >= AFTER_BLOCK || touched.has(blockAt(base)) || blockAt(base) > firstSegment
  }
}

const stageOf = (position: number): number => position - blockAt(position) * SPAN

/** The first position after the block for recorded operations only. */
function afterBlock(position: number): number {
  return stageOf(position) >= AFTER_BLOCK ? position + 1 : blockAt(position) * SPAN + AFTER_BLOCK + 1
}

/** The first block in which all inputs of a unit exist. For a node, that is its own block, or a later one if an intervention needs it. */
function levelsOf(demand: Demand): Map<Unit, number> {
  const levels = new Map<Unit, number>()
  const first = demand.firstBlockOfGradient ?? Number.POSITIVE_INFINITY
  // A spread of all units would overflow the call stack of a long chain.
  const last = demand.units.reduce((most, { block }) => Math.max(most, block ?? -1), -1)
  for (const unit of demand.units) {
    let level = unit.block ?? -1
    if (level >= first) level = last
    for (const id of readsOf(unit)) {
      const producer = demand.producers.get(id)
      if (producer) level = Math.max(level, levels.get(producer)!)
    }
    levels.set(unit, level)
  }
  return levels
}

/** The first block in which a unit's results are read; infinite if only the caller reads them. */
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

/** The blocks that an intervention reaches inside, so that they are rebuilt; and for every block, the id to feed for each input that is read. */
function rebuiltBlocks(
  program: Program,
  demand: Demand,
  levels: ReadonlyMap<Unit, number>,
  wanted: readonly string[],
  alreadyComputed: ReadonlySet<string>,
): { touched: Set<number>; feeds: Map<number, Map<string, string>> } {
  const rebuilt = new Set<number>()
  const feeds = new Map<number, Map<string, string>>()
  const touchInner = (id: string): void => {
    if (!isModelValue(id) || alreadyComputed.has(id)) return
    const block = demand.producers.get(id)?.block
    if (block !== undefined && !program.isBlockOutput(block, id)) rebuilt.add(block)
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
      if (program.blocks[block].nodes.some(node => node.outputs.some(name => alreadyComputed.has(name))))
        rebuilt.add(block)
    }
    const level = levels.get(unit)!
    if (level !== block) rebuilt.add(block).add(level)
    const reads: (readonly [string, string])[] = unit.node!.inputs.map((name, i) => [name, unit.inputs[i]])
    for (const [name, id] of [...reads, ...unit.captures]) {
      if (name === '') continue
      const isEdge = program.isBlockInput(block, name)
      if (isEdge) {
        if (fed.has(name) && fed.get(name) !== id) rebuilt.add(block)
        fed.set(name, id)
      }
      if (id === name) continue
      const producer = demand.producers.get(id)
      const isMadeHere = producer !== undefined && levels.get(producer)! >= block
      if (!isEdge || isMadeHere || isConstant(id) || program.weights.has(id)) rebuilt.add(block)
      touchInner(id)
    }
  }
  return { touched: rebuilt, feeds }
}
