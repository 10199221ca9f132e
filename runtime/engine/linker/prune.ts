import { type LinkedUnits, readsOf, type Unit } from './unit.ts'

/**
 * Removes the units that no wanted value needs. A gradient is computed from what its value is computed from, but often not from the value
 * itself: its last operations, and all of it where it is linear, would run for nothing.
 */
export function prune({ units, producers }: LinkedUnits, results: readonly string[]): void {
  const needed = new Set(results)
  const kept: Unit[] = []
  for (const unit of units.toReversed()) {
    if (unit.outputs.some(id => needed.has(id))) {
      kept.push(unit)
      for (const id of readsOf(unit)) needed.add(id)
    } else for (const id of unit.outputs) producers.delete(id)
  }
  units.length = 0
  for (const unit of kept.reverse()) units.push(unit)
}
