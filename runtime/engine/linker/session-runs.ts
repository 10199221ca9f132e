import type { Part } from '../blocks/blocks.ts'
import type { Group } from '../blocks/groups.ts'
import type { Program } from '../blocks/program.ts'
import type { Demand } from './demand.ts'
import { blockAt, blockStart, isBlockStart, isModelStage, type Placement } from './place.ts'
import type { Unit } from './unit.ts'

/** An unedited block, or an unedited group in the session that was made at load. */
export interface Unedited {
  readonly part: Part
  readonly blocks: readonly number[]
  readonly group: number | undefined
  /** The id to feed for each input that is not the model's own value. */
  readonly feeds: ReadonlyMap<string, string>
}

/** One run of a session: its units, in running order. */
export interface SessionRun {
  /** The blocks of its nodes: more than one where a group's blocks are rebuilt together. */
  readonly blocks: readonly number[]
  readonly isModelStage: boolean
  readonly units: readonly Unit[]
  readonly unedited: Unedited | undefined
}

/**
 * Collects placed units into runs of sessions. The blocks of a group run together if all of them are unedited; those in `joined` also where
 * they are rebuilt.
 */
export function sessionRuns(
  program: Program,
  demand: Demand,
  placement: Placement,
  joined: ReadonlySet<number> = new Set(),
): SessionRun[] {
  const unitsAt = new Map<number, Unit[]>()
  for (const unit of demand.units) {
    const position = placement.positions.get(unit)!
    const units = unitsAt.get(position)
    if (units) units.push(unit)
    else unitsAt.set(position, [unit])
  }
  const groupFeeds = new Map<number, ReadonlyMap<string, string>>()
  for (const group of program.groups) {
    const fed = feedsOf(group, demand, placement)
    if (fed) groupFeeds.set(group.index, fed)
  }
  const runs: SessionRun[] = []
  for (const positions of joinedPositions(program, [...unitsAt.keys()], joined)) {
    const [position] = positions
    const block = blockAt(position)
    const units = positions.flatMap(each => unitsAt.get(each)!)
    const run = { blocks: positions.map(blockAt), isModelStage: isModelStage(position), units }
    const fed = isBlockStart(position) ? placement.unedited.get(block) : undefined
    if (!fed) {
      for (const part of split(program, demand, units)) runs.push({ ...run, units: part, unedited: undefined })
      continue
    }
    const group = program.groupOf(block)
    const groupFed = groupFeeds.get(group.index)
    if (!groupFed) {
      runs.push({ ...run, unedited: { part: program.blocks[block], blocks: [block], group: undefined, feeds: fed } })
    } else if (block === group.blocks[0].index) {
      const blocks = group.blocks.map(({ index }) => index)
      const all = blocks.flatMap(index => unitsAt.get(blockStart(index))!)
      runs.push({ ...run, blocks, units: all, unedited: { part: group, blocks, group: group.index, feeds: groupFed } })
    }
  }
  return runs
}

/** Positions in running order. Blocks in `joined` that follow one another in their group, with nothing between them, are together. */
function joinedPositions(program: Program, positions: number[], joined: ReadonlySet<number>): number[][] {
  const lists: number[][] = []
  for (const position of positions.sort((a, b) => a - b)) {
    const list = lists.at(-1)
    const isNext =
      list !== undefined &&
      [list[0], position].every(each => isBlockStart(each) && joined.has(blockAt(each))) &&
      program.groupOf(blockAt(list[0])) === program.groupOf(blockAt(position))
    if (isNext) list.push(position)
    else lists.push([position])
  }
  return lists
}

/** All blocks of the groups that run in more than one session, and would give the same bits in one. */
export function splitBlocks(program: Program, runs: readonly SessionRun[]): Set<number> {
  const seen = new Set<Group>()
  const splitUp = new Set<number>()
  for (const { blocks, units, unedited } of runs) {
    if (unedited?.group !== undefined || !units.some(unit => unit.kind === 'node')) continue
    const group = program.groupOf(blocks[0])
    if (seen.has(group) && !roundsBetween(program, group)) for (const { index } of group.blocks) splitUp.add(index)
    seen.add(group)
  }
  return splitUp
}

/** onnxruntime computes short floats as float32 on the CPU: within a session it rounds some of them less often than between two. */
function roundsBetween(program: Program, { outputs }: Group): boolean {
  return outputs.some(name => /float(16|8)/.test(program.typeOf(name) ?? ''))
}

/** The most nodes that a recording adds to one session: the time to create one grows with the square of its inputs and outputs. */
const MAX_ADDED_NODES = 512

/** Splits units with too many recorded nodes between several sessions. For a long chain these are equal, so one session is created. */
function split(program: Program, demand: Demand, units: readonly Unit[]): Unit[][] {
  const parts: Unit[][] = [[]]
  let added = 0
  for (const unit of units) {
    if (unit.kind !== 'node' && !unit.isOfGradient && ++added > MAX_ADDED_NODES) {
      parts.push([])
      added = 1
    }
    parts.at(-1)!.push(unit)
  }
  // A value that crosses between sessions needs a dtype, which is not known for every value of a model.
  const hasType = (id: string): boolean => id === '' || (demand.types.get(id) ?? program.typeOf(id)) !== undefined
  const isTyped = ({ kind, outputs }: Unit): boolean => kind === 'operation' || outputs.every(hasType)
  return parts.length === 1 || units.every(isTyped) ? parts : [[...units]]
}

/** The ids to feed to the group's session; undefined if its blocks can't run in it. */
function feedsOf(group: Group, demand: Demand, placement: Placement): ReadonlyMap<string, string> | undefined {
  const start = blockStart(group.blocks[0].index)
  const inner = new Set(group.outputs)
  const feeds = new Map<string, string>()
  for (const { index } of group.blocks) {
    const fed = placement.unedited.get(index)
    if (!fed) return undefined
    for (const [name, id] of fed) {
      if (id !== name) {
        // There is an edit between the blocks, or a value that is made only after the first of them has run.
        const maker = demand.producers.get(id)
        if (inner.has(name) || (maker && placement.positions.get(maker)! >= start)) return undefined
      }
      if (feeds.has(name) && feeds.get(name) !== id) return undefined
      feeds.set(name, id)
    }
  }
  return feeds
}
