import type { Part } from '../blocks/blocks.ts'
import type { Group } from '../blocks/groups.ts'
import type { Program } from '../blocks/program.ts'
import type { Demand } from './demand.ts'
import { blockAt, blockStart, isBlockStart, isModelStage, type Placement } from './place.ts'
import type { Unit } from './unit.ts'

/** What runs as it is: a block, or a group of them in the session made at load. */
export interface Whole {
  readonly part: Part
  readonly blocks: readonly number[]
  readonly group: number | undefined
  /** What to feed for an input, where it is not the model's own value. */
  readonly fed: ReadonlyMap<string, string>
}

/** One session's run: the units in it, in running order. */
export interface Slot {
  readonly block: number
  readonly isModelStage: boolean
  readonly units: readonly Unit[]
  readonly whole: Whole | undefined
}

/** Gathers placed units into sessions. A group's blocks go together if all of them run as they are, one after another. */
export function arrange(program: Program, demand: Demand, placement: Placement): Slot[] {
  const at = new Map<number, Unit[]>()
  for (const unit of demand.units) {
    const position = placement.positions.get(unit)!
    const units = at.get(position)
    if (units) units.push(unit)
    else at.set(position, [unit])
  }
  const joined = new Map<number, ReadonlyMap<string, string>>()
  for (const group of program.groups) {
    const fed = feedsOf(group, demand, placement)
    if (fed) joined.set(group.index, fed)
  }
  const slots: Slot[] = []
  for (const position of [...at.keys()].sort((a, b) => a - b)) {
    const block = blockAt(position)
    const units = at.get(position)!
    const slot = { block, isModelStage: isModelStage(position), units }
    const fed = isBlockStart(position) ? placement.whole.get(block) : undefined
    if (!fed) {
      for (const part of inParts(program, demand, units)) slots.push({ ...slot, units: part, whole: undefined })
      continue
    }
    const group = program.groupOf(block)
    const groupFed = joined.get(group.index)
    if (!groupFed) {
      slots.push({ ...slot, whole: { part: program.blocks[block], blocks: [block], group: undefined, fed } })
    } else if (block === group.blocks[0].index) {
      const blocks = group.blocks.map(({ index }) => index)
      const all = blocks.flatMap(index => at.get(blockStart(index))!)
      slots.push({ ...slot, units: all, whole: { part: group, blocks, group: group.index, fed: groupFed } })
    }
  }
  return slots
}

/** The most nodes that a recording may add to one session: onnxruntime's time to make one grows with the square of its inputs and outputs. */
const MOST_ADDED = 512

/** Where a recording adds very much, it goes into several sessions, one after the other. Those of a long chain are equal, and made once. */
function inParts(program: Program, demand: Demand, units: readonly Unit[]): Unit[][] {
  const parts: Unit[][] = [[]]
  let added = 0
  for (const unit of units) {
    if (unit.kind !== 'node' && ++added > MOST_ADDED) {
      parts.push([])
      added = 1
    }
    parts.at(-1)!.push(unit)
  }
  // An edge between sessions needs a dtype, and not every value of a model has one that is known.
  const hasType = (id: string): boolean => id === '' || (demand.types.get(id) ?? program.typeOf(id)) !== undefined
  const isTyped = ({ kind, outputs }: Unit): boolean => kind === 'operation' || outputs.every(hasType)
  return parts.length === 1 || units.every(isTyped) ? parts : [[...units]]
}

/** What to feed to the group's session; undefined if its blocks can't run in it. */
function feedsOf(group: Group, demand: Demand, placement: Placement): ReadonlyMap<string, string> | undefined {
  const start = blockStart(group.blocks[0].index)
  const inner = new Set(group.outputs)
  const feeds = new Map<string, string>()
  for (const { index } of group.blocks) {
    const fed = placement.whole.get(index)
    if (!fed) return undefined
    for (const [name, id] of fed) {
      if (id !== name) {
        // An edit between the blocks, or a value that is made only after the first of them has run.
        const maker = demand.producers.get(id)
        if (inner.has(name) || (maker && placement.positions.get(maker)! >= start)) return undefined
      }
      if (feeds.has(name) && feeds.get(name) !== id) return undefined
      feeds.set(name, id)
    }
  }
  return feeds
}
