import { isRandom } from '../blocks/blocks.ts'
import type { Program } from '../blocks/program.ts'
import { type LinkedUnits, readsOf, recomputedId, type Unit } from './unit.ts'

/** When the units that run after the forward pass run: each unit of a backward segment has the number of its segment, from 1. */
export interface BackwardSegments {
  readonly of: ReadonlyMap<Unit, number>
  /** The block that each segment goes back through, from the last one but one. */
  readonly blocks: readonly number[]
}

/**
 * Cuts the backward pass at the edges of blocks (Chen et al. 2016, arXiv:1604.06174). Each block that a gradient passes gets a segment, which
 * computes the block's forward pass again from what stands at its edge, so that nothing within a block is kept until the backward pass comes
 * there. The last block's forward pass is followed by its backward pass at once, and stays in one session with it.
 *
 * Returns undefined, and changes nothing, where gradients are differentiated again or written into the model: there, all is kept.
 */
export function recomputeForward(
  program: Program,
  linked: LinkedUnits,
  results: readonly string[],
): BackwardSegments | undefined {
  const kinds = kindsOf(linked)
  if (!kinds) return undefined
  const forward = linked.units.filter(unit => kinds.get(unit) === 'forward')
  const backward = linked.units.filter(unit => kinds.get(unit) === 'backward')
  const after = linked.units.filter(unit => kinds.get(unit) === 'after')
  const levels = levelsOf(forward, linked.producers)
  const last = [...levels.values()].reduce((most, level) => Math.max(most, level), -1)
  const kept = keptValues({ linked, forward, after, levels, results, last })
  const levelOf = (id: string): number | undefined => {
    const maker = linked.producers.get(id)
    const level = maker && levels.get(maker)
    return level === last || !kept.has(id) ? level : undefined
  }
  const segmentOf = segmentsOf(backward, linked.producers, levelOf, last)
  for (const unit of backward) {
    for (const id of readsOf(unit)) {
      const level = levelOf(id)
      if (level !== undefined && level !== segmentOf.get(unit)) kept.add(id)
    }
  }
  const blocks = [...new Set(segmentOf.values())].filter(block => block < last).sort((a, b) => b - a)
  const units: Unit[] = [...forward, ...backward.filter(unit => segmentOf.get(unit) === last)]
  const of = new Map<Unit, number>()
  const add = (unit: Unit, segment: number): void => {
    units.push(unit)
    of.set(unit, segment)
    for (const id of unit.outputs) if (id !== '') linked.producers.set(id, unit)
  }
  blocks.forEach((block, i) => {
    const own = backward.filter(unit => segmentOf.get(unit) === block)
    const again = unitsAgain(forward, levels, block, own, kept)
    const copies = new Set(again.flatMap(unit => unit.outputs))
    const rename = (id: string): string => (id !== '' && copies.has(id) ? recomputedId(id) : id)
    for (const unit of again) {
      for (const id of unit.outputs) {
        const type = linked.types.get(id) ?? program.typeOf(id)
        if (id !== '' && type) linked.types.set(recomputedId(id), type)
      }
      add(copyOf(unit, rename), i + 1)
    }
    for (const unit of own) add({ ...unit, inputs: unit.inputs.map(rename) }, i + 1)
  })
  for (const unit of after) units.push(unit)
  linked.units.length = 0
  for (const unit of units) linked.units.push(unit)
  return { of, blocks }
}

type Kind = 'forward' | 'backward' | 'after'

/** Whether each unit computes a gradient, comes before, or uses one; undefined if a gradient or the model itself depends on one. */
function kindsOf({ units, producers }: LinkedUnits): Map<Unit, Kind> | undefined {
  const kinds = new Map<Unit, Kind>()
  for (const unit of units) {
    const makers = readsOf(unit).flatMap(id => producers.get(id) ?? [])
    const usesGradient = makers.some(maker => kinds.get(maker) !== 'forward')
    const usesResult = makers.some(
      maker =>
        kinds.get(maker) === 'after' || (kinds.get(maker) === 'backward' && maker.expression !== unit.expression),
    )
    if (usesResult && (unit.isOfGradient || unit.kind !== 'operation')) return undefined
    kinds.set(unit, unit.isOfGradient ? 'backward' : usesGradient ? 'after' : 'forward')
  }
  return [...kinds.values()].includes('backward') ? kinds : undefined
}

/** The first block in which all that a forward unit reads exists. */
function levelsOf(forward: readonly Unit[], producers: LinkedUnits['producers']): Map<Unit, number> {
  const levels = new Map<Unit, number>()
  for (const unit of forward) {
    let level = unit.block ?? -1
    for (const id of readsOf(unit)) {
      const maker = producers.get(id)
      if (maker) level = Math.max(level, levels.get(maker) ?? -1)
    }
    levels.set(unit, level)
  }
  return levels
}

interface Forward {
  readonly linked: LinkedUnits
  readonly forward: readonly Unit[]
  readonly after: readonly Unit[]
  readonly levels: ReadonlyMap<Unit, number>
  readonly results: readonly string[]
  readonly last: number
}

/** What the forward pass hands on: values that cross between blocks, that the caller wants, that are random, and those of the last block. */
function keptValues({ linked, forward, after, levels, results, last }: Forward): Set<string> {
  const kept = new Set(results)
  for (const unit of forward) {
    const level = levels.get(unit)!
    if (level === last || level < 0 || isRandom(unit.operation ?? unit.node!))
      for (const id of unit.outputs) kept.add(id)
    for (const id of readsOf(unit)) {
      const maker = linked.producers.get(id)
      if (maker && levels.get(maker) !== level) kept.add(id)
    }
  }
  for (const unit of after) for (const id of readsOf(unit)) kept.add(id)
  return kept
}

/**
 * The block whose backward pass each unit belongs to: the first one that it reads something within of. A unit that reads nothing of the kind
 * belongs to the first segment that needs it.
 */
function segmentsOf(
  backward: readonly Unit[],
  producers: LinkedUnits['producers'],
  levelOf: (id: string) => number | undefined,
  last: number,
): Map<Unit, number> {
  const segments = new Map<Unit, number>()
  for (const unit of backward) {
    let segment = Number.POSITIVE_INFINITY
    for (const id of readsOf(unit)) {
      const maker = producers.get(id)
      segment = Math.min(segment, levelOf(id) ?? (maker && segments.get(maker)) ?? Number.POSITIVE_INFINITY)
    }
    segments.set(unit, segment)
  }
  const needed = new Map<Unit, number>()
  for (const unit of backward.toReversed()) {
    if (segments.get(unit) === Number.POSITIVE_INFINITY) segments.set(unit, needed.get(unit) ?? last)
    const segment = segments.get(unit)!
    for (const id of readsOf(unit)) {
      const maker = producers.get(id)
      if (maker && segments.has(maker)) needed.set(maker, Math.max(needed.get(maker) ?? -1, segment))
    }
  }
  return segments
}

/** The forward units of a block that make what its backward pass reads, producers first. */
function unitsAgain(
  forward: readonly Unit[],
  levels: ReadonlyMap<Unit, number>,
  block: number,
  backward: readonly Unit[],
  kept: ReadonlySet<string>,
): Unit[] {
  const needed = new Set(backward.flatMap(readsOf).filter(id => !kept.has(id)))
  const again: Unit[] = []
  for (const unit of forward.toReversed()) {
    if (levels.get(unit) !== block || !unit.outputs.some(id => needed.has(id))) continue
    again.unshift(unit)
    for (const id of readsOf(unit)) if (!kept.has(id)) needed.add(id)
  }
  return again
}

function copyOf(unit: Unit, rename: (id: string) => string): Unit {
  const { block: _, cluster: __, ...rest } = unit
  return {
    ...rest,
    kind: unit.kind === 'node' ? 'copy' : unit.kind,
    inputs: unit.inputs.map(rename),
    captures: unit.captures.map(([name, id]) => [name, rename(id)] as const),
    outputs: unit.outputs.map(id => (id === '' ? '' : recomputedId(id))),
    isRewired: true,
  }
}
